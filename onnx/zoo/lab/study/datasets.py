"""The study's datasets: the lab's sources cut to size with a fixed seed; rendered ones are kept in the cache."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from .. import sources
from ..meter import drum
from . import plan

RENDERED = {"letters": drum.LETTERS, "meter": drum.DIGITS}
RENDER_SEEDS = (301, 302)


def _rendered(name: str) -> sources.Data:
    """Enough images of the renderer for pretraining and for a target."""
    style, kept = RENDERED[name], plan.STORE / f"{name}.npz"
    if not kept.exists():
        plan.STORE.mkdir(parents=True, exist_ok=True)
        train = drum.batch(style, plan.PRETRAIN_IMAGES, RENDER_SEEDS[0])
        test = drum.batch(style, plan.TEST_IMAGES, RENDER_SEEDS[1])
        part = kept.with_suffix(".part.npz")
        np.savez(part, x_train=train[0], y_train=train[1], x_test=test[0], y_test=test[1])
        part.replace(kept)
    with np.load(kept) as npz:
        return sources.Data(npz["x_train"], npz["y_train"], npz["x_test"], npz["y_test"], tuple(style.chars))


@lru_cache(maxsize=None)
def whole(name: str, shared: Path) -> sources.Data:
    """All images of a dataset."""
    return _rendered(name) if name in RENDERED else sources.load(name, shared)


def cut(x: np.ndarray, y: np.ndarray, limit: int, seed: int):
    """At most `limit` rows, chosen without regard to the label."""
    rows = np.random.default_rng(seed).permutation(len(y))[:limit]
    return x[rows], y[rows]


def pretraining(name: str, shared: Path) -> sources.Data:
    """What a backbone is trained on."""
    data = whole(name, shared)
    return sources.Data(*cut(data.x_train, data.y_train, plan.PRETRAIN_IMAGES, 1),
                        *cut(data.x_test, data.y_test, plan.TEST_IMAGES, 2), data.labels)


def target(name: str, shared: Path) -> sources.Data:
    """What a backbone is judged on; "all training data" of a task means these."""
    data = whole(name, shared)
    return sources.Data(*cut(data.x_train, data.y_train, plan.TRAIN_IMAGES, 3),
                        *cut(data.x_test, data.y_test, plan.TEST_IMAGES, 4), data.labels)


def relabelled(y: np.ndarray, classes: tuple):
    """Rows whose label is among `classes`, and their labels numbered in that order."""
    place = np.full(max(int(y.max()), max(classes)) + 1, -1)
    place[list(classes)] = np.arange(len(classes))
    rows = np.flatnonzero(place[y] >= 0)
    return rows, place[y[rows]]


def few(y: np.ndarray, classes: tuple, shots: int):
    """Rows and new labels of `shots` samples a class (fewer where there are fewer), the same for every backbone.

    A smaller draw is part of a larger one.
    """
    order = np.random.default_rng(5).permutation(len(y))
    rows = [order[y[order] == c][:shots] for c in classes]
    return np.concatenate(rows), np.repeat(np.arange(len(classes)), [len(r) for r in rows])
