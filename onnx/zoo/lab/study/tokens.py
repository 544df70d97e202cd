"""Task tokens for those who train a ranker: the prototypes of every task of the study by the shipped extractor.

`facts/tokens.npz` has an array [C, D] (float16) for each task, named by the task's key in the facts; its rows are the
task's classes in the order of `plan.tasks`, each the mean of the unit features of the same 20 images that the
facts' scores of 20 shots were taken of. `extractor` holds the 32 bytes of the extractor's sha256.
"""

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import onnx
from PIL import Image

from .. import paths
from . import datasets, extractor, features, plan

FILE = plan.FACTS / "tokens.npz"
# The bundled task as Python sees it, for the agent's tests.
BUNDLED = paths.REPO / "tests" / "vectors" / "task_tokens.npz"
MODEL = extractor.RANKER / "extractor.onnx"


def shipped(folder: Path):
    """Features by the shipped file."""
    path = folder / "extractor.onnx"
    onnx.save(features.any_batch(onnx.load(MODEL)), path)
    return extractor.reader(path, extractor.NORM)


def of_study(read, shared: Path) -> dict:
    """{task key: prototypes}; each image is looked at once."""
    out = {}
    for name in plan.TARGETS:
        data = datasets.target(name, shared)
        seen = read(data.x_train)
        for task in plan.tasks(name, len(data.labels)):
            rows, y = datasets.few(data.y_train, task.classes, extractor.SHOTS)
            out[task.key] = extractor.prototypes(seen[rows], y, len(task.classes)).astype(np.float16)
    return out


def of_bundled(read) -> dict:
    """Labels and prototypes of the bundled task; it has fewer images a class than the agent would leave out."""
    labels = sorted(folder.name for folder in (paths.TASK / "train").iterdir() if folder.is_dir())
    files = [sorted((paths.TASK / "train" / label).iterdir()) for label in labels]
    seen = [np.stack([np.asarray(Image.open(file).convert("RGB")) for file in of_class]) for of_class in files]
    y = np.repeat(np.arange(len(labels)), [len(images) for images in seen])
    found = extractor.prototypes(read(np.concatenate(seen)), y, len(labels))
    return {"labels": np.array(labels), "samples": np.bincount(y), "prototypes": found.astype(np.float32)}


def tokens(shared: Path) -> None:
    """Write both files."""
    with tempfile.TemporaryDirectory() as folder:
        read = shipped(Path(folder))
        digest = np.frombuffer(hashlib.sha256(MODEL.read_bytes()).digest(), np.uint8)
        study = of_study(read, shared)
        np.savez_compressed(FILE, extractor=digest, **study)
        np.savez_compressed(BUNDLED, extractor=digest, **of_bundled(read))
    print(f"{FILE.name}: {len(study)} tasks, {FILE.stat().st_size} bytes")
    print(f"{BUNDLED.name}: {BUNDLED.stat().st_size} bytes")
