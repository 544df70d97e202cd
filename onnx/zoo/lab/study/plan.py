"""What the study consists of: backbones, target tasks, sizes, schedules, seeds. Every choice is a constant here."""

from dataclasses import dataclass

import numpy as np

from ..paths import CACHE, LAB

FACTS = LAB / "facts"
WEIGHTS = FACTS / "weights"
STORE = CACHE / "study"

# Cheapest first, so that a study that is stopped early is broad.
FAMILIES = ("cnn-small", "dscnn", "cnn-wide", "mbv1-025", "squeeze", "resnet8")
SOURCES = ("mnist", "cifar10", "notmnist", "signs", "omniglot", "kannada", "digmnist", "fsdd", "letters", "meter",
           "dogcat")
# Share-alike data: facts about these backbones are committed, their weights stay in the cache.
UNCOMMITTED = ("fsdd",)
TARGETS = SOURCES + ("smiles",)

PRETRAIN_IMAGES = 4000
# Images seen in training, augmented: fewer for the dear families, so that the study fits a night on one core.
PRETRAIN_VIEWS = {"cnn-small": 40_000, "dscnn": 40_000, "cnn-wide": 24_000, "mbv1-025": 24_000, "squeeze": 16_000,
                  "resnet8": 16_000}
TRAIN_IMAGES, TEST_IMAGES = 2000, 1000
SUBSETS_PER_DATASET, SUBSET_SEED = 16, 31
SHOTS = (5, 20, 50)


@dataclass(frozen=True)
class Backbone:
    """One trained network: a family on a source."""

    family: str
    source: str

    @property
    def key(self) -> str:
        return f"{self.family}-{self.source}"


@dataclass(frozen=True)
class Task:
    """Some classes of a target dataset; all of them in the task that is named like the dataset."""

    dataset: str
    number: int
    classes: tuple

    @property
    def key(self) -> str:
        return f"{self.dataset}/{self.number:02}"


def pretrain_epochs(family: str, images: int) -> int:
    """Epochs over `images`, so that every backbone of a family sees about as many views."""
    return min(max(round(PRETRAIN_VIEWS[family] / images), 1), 25)


def backbones() -> list:
    """Every backbone, in the order of training: family by family, so the cheap ones exist first."""
    return [Backbone(family, source) for family in FAMILIES for source in SOURCES]


def tasks(dataset: str, classes: int) -> list:
    """The full task (number 0) and, with five classes or more, distinct random subsets of 2 classes upwards."""
    out = [Task(dataset, 0, tuple(range(classes)))]
    if classes < 5:
        return out
    rng = np.random.default_rng([SUBSET_SEED, *dataset.encode()])
    seen = set()
    while len(seen) < SUBSETS_PER_DATASET:
        size = int(rng.integers(2, min(classes - 1, 12) + 1))
        chosen = tuple(sorted(int(c) for c in rng.choice(classes, size, replace=False)))
        if chosen not in seen:
            seen.add(chosen)
            out.append(Task(dataset, len(out), chosen))
    return out
