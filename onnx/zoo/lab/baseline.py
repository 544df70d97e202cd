"""What raw pixels achieve on the demo task: the floor that features must beat."""

from pathlib import Path

import numpy as np

from . import transfer
from .meter import task


def centroid(x_train, y_train, x_test, classes):
    """Nearest class mean in pixel space."""
    means = np.stack([x_train[y_train == c].mean(0) for c in range(classes)])
    return ((x_test[:, None] - means) ** 2).sum(-1).argmin(1)


def neighbour(x_train, y_train, x_test):
    """Nearest training image in pixel space."""
    distance = (x_train**2).sum(1) - 2 * x_test @ x_train.T
    return y_train[distance.argmin(1)]


def baseline(task_folder: Path) -> int:
    """Print the accuracy of three classifiers on pixels."""
    samples = task.read(task_folder)
    train, test = (x.reshape(len(x), -1) / 255.0 for x in (samples.x_train, samples.x_test))
    y, classes = samples.y_train, len(samples.labels)
    for name, predicted in (("nearest centroid", centroid(train, y, test, classes)),
                            ("nearest neighbour", neighbour(train, y, test)),
                            ("logistic regression", transfer.fit_predict(train, y, test, classes))):
        print(f"{name} on raw pixels: {(predicted == samples.y_test).mean():.3f}")
    return 0
