"""The demo task on disk: 20 images per class as PNG, 1,000 test images in one .npz, and task.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from . import drum

PER_CLASS = 20
TEST = 1000
TRAIN_SEED, TEST_SEED = 11, 12

TOML = '''schema = 1
name = "meter-digits"
description = "Read one digit of a utility meter register"
labels = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
samples = "train"
test = "test.npz"

# Hard: a model over one of these is out.
[limits]
latency_ms = 50.0
memory_mb = 256.0
storage_mb = 8.0
accuracy = 0.5

# Better than the target earns nothing.
[targets]
latency_ms = 2.0
memory_mb = 64.0
energy_mj = 5.0
storage_mb = 0.25

[weights]
relevance = 42
latency = 19
memory = 13
energy = 12
thermal = 9
storage = 5
'''


@dataclass(frozen=True)
class Samples:
    """The task as arrays: x uint8 [N, 32, 32, 3] RGB, y int64 [N]."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    labels: tuple


def write(folder: Path, per_class: int = PER_CLASS, test: int = TEST) -> None:
    """Render everything into `folder`: task.toml, train/<class>/<n>.png, test.npz."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "task.toml").write_text(TOML)
    x, y = drum.batch(drum.DIGITS, per_class * 10, TRAIN_SEED)
    for label in range(10):
        place = folder / "train" / drum.DIGITS.chars[label]
        place.mkdir(parents=True, exist_ok=True)
        for n, image in enumerate(x[y == label]):
            Image.fromarray(image).save(place / f"{n:02}.png", optimize=True)
    x, y = drum.batch(drum.DIGITS, test, TEST_SEED)
    np.savez_compressed(folder / "test.npz", x=x, y=y)


def read(folder: Path) -> Samples:
    """The task back from disk, classes in the order of task.toml."""
    labels = tuple(tomllib.loads((folder / "task.toml").read_text())["labels"])
    x, y = [], []
    for label, name in enumerate(labels):
        for path in sorted((folder / "train" / name).glob("*.png")):
            x.append(np.asarray(Image.open(path).convert("RGB")))
            y.append(label)
    with np.load(folder / "test.npz") as npz:
        return Samples(np.stack(x), np.array(y, np.int64), npz["x"], npz["y"], labels)
