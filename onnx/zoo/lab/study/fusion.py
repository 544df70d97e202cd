"""Prior and fusion. Everything about a held-out dataset is computed from the other datasets alone.

A prior is one number per backbone; a fuser turns prior and scores of a task into one number per candidate, with
weights from training datasets. `fuse` chooses the fuser, too, by leaving one training dataset out after another.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from . import agreement
from .grid import Grid, standard

RIDGE = 0.03
# Inputs count as given at this many samples; see `Fuser.sized`.
SAMPLES = 100
WARMTH = 0.1
CHEAP = ("logme", "hscore-shrunk", "nce")


@dataclass(frozen=True)
class Fuser:
    """How prior and scores become one number.

    `metrics` empty means all; `fitted` by ridge regression, otherwise the mean of ranks; `grouped` adds, for each
    input, its mean over the candidates of the same source task and over those of the same family; `sized` lets every
    weight depend on the logarithm of the number of samples, since scores of few samples deserve less trust; `kin`
    adds a second prior, from the datasets on which backbones stand as the scores say that they stand here; `prior` off
    leaves the prior out.
    """

    name: str
    metrics: tuple = ()
    fitted: bool = True
    grouped: bool = False
    sized: bool = False
    kin: bool = False
    prior: bool = True


FUSERS = (
    Fuser("mean rank of prior and 3 scores", CHEAP, fitted=False),
    Fuser("mean rank of prior and all scores", fitted=False),
    Fuser("ridge on prior and 3 scores", CHEAP),
    Fuser("ridge on prior and all scores"),
    Fuser("ridge on prior, 3 scores and groups", CHEAP, grouped=True),
    Fuser("ridge on prior, all scores and groups", grouped=True),
    Fuser("ridge on prior, 3 scores and groups, by samples", CHEAP, grouped=True, sized=True),
    Fuser("ridge on prior, all scores and groups, by samples", grouped=True, sized=True),
    Fuser("ridge on two priors, 3 scores and groups, by samples", CHEAP, grouped=True, sized=True, kin=True),
    Fuser("ridge on two priors, all scores and groups, by samples", grouped=True, sized=True, kin=True),
)

# What the agent ranks by (`fitted.py`): where the sidecars state a prior, and where they do not.
SHIPPED = (next(f for f in FUSERS if f.name == "ridge on prior, 3 scores and groups"),
           Fuser("ridge on 3 scores and groups", CHEAP, grouped=True, prior=False))


def _groups(names: list) -> np.ndarray:
    """[B, B]: 1 where two backbones have the same name."""
    return np.array([[a == b for b in names] for a in names], float)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is there; NaN where nothing is."""
    there = np.isfinite(values)
    count = there.sum(0)
    return np.where(count, np.where(there, values, 0).sum(0) / np.maximum(count, 1), np.nan)


class Study:
    """A grid with what its evaluation needs at hand: standardised truth and scores, priors, group structure."""

    def __init__(self, grid: Grid, sources: dict, families: dict):
        self.grid = grid
        self.truth = standard(grid.truth)
        self.inputs = {name: standard(values) for name, values in grid.scores.items()}
        self.same = [_groups([kind[b] for b in grid.backbones]) for kind in (sources, families)]
        self.of = {name: np.flatnonzero(grid.datasets == name) for name in grid.names}
        self.candidates = [grid.present(t) for t in range(len(grid.tasks))]
        self.means = {name: _mean(self.truth[rows]) for name, rows in self.of.items()}
        # What is asked for again and again while datasets are left out in turn.
        for name in ("fuse", "prior", "kin", "block", "scored"):
            setattr(self, name, lru_cache(maxsize=None)(getattr(self, name)))

    def prior(self, leave: frozenset) -> np.ndarray:
        """Mean standing [B] of each backbone on the datasets not in `leave`."""
        return _mean(np.array([mean for name, mean in self.means.items() if name not in leave]))

    def kin(self, t: int, leave: frozenset) -> np.ndarray:
        """Standing [n] on the datasets not in `leave`, those that agree with this task's scores counting most."""
        present = self.candidates[t]
        seen = sum(self.inputs[name][t, present] for name in CHEAP if name in self.inputs)
        rows = np.array([mean[present] for name, mean in self.means.items() if name not in leave])
        there = np.isfinite(rows)
        like = [np.corrcoef(seen[have], row[have])[0, 1] for row, have in zip(rows, there)]
        weight = np.exp(np.nan_to_num(np.array(like)) / WARMTH)[:, None] * there
        return (weight * np.where(there, rows, 0)).sum(0) / weight.sum(0)

    def spread(self, fuser: Fuser, rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Inputs [n, k] of these candidates standardised, and their group means where the fuser wants them."""
        x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-9)
        if not fuser.grouped:
            return x
        weights = [same[np.ix_(rows, rows)] for same in self.same]
        return np.concatenate([x, *(weight @ x / weight.sum(1, keepdims=True) for weight in weights)], 1)

    def scored(self, fuser: Fuser, t: int) -> np.ndarray:
        """The scores' part of a fuser's inputs, which no dataset that is left out changes."""
        rows = self.candidates[t]
        return self.spread(fuser, rows, self.raw(fuser, t, rows))

    def raw(self, fuser: Fuser, t: int, rows: np.ndarray) -> np.ndarray:
        """Scores [n, k] of some candidates."""
        return np.stack([self.inputs[name][t, rows] for name in fuser.metrics or tuple(self.inputs)], 1)

    def columns(self, fuser: Fuser, t: int, leave: frozenset) -> np.ndarray:
        """Inputs [n, K] of a fuser for the candidates of one task."""
        rows, x = self.candidates[t], self.scored(fuser, t)
        if fuser.prior:
            priors = [self.prior(leave)[rows], *([self.kin(t, leave)] if fuser.kin else ())]
            x = np.concatenate([self.spread(fuser, rows, np.stack(priors, 1)), x], 1)
        return np.concatenate([x, x * np.log(self.grid.samples[t] / SAMPLES)], 1) if fuser.sized else x

    def block(self, fuser: Fuser, dataset: str, leave: frozenset):
        """Normal equations (A, b) of one training dataset, every task and dataset of equal weight."""
        rows = self.of[dataset]
        a, b = 0.0, 0.0
        for t in rows:
            x, y = self.columns(fuser, t, leave | {dataset}), self.truth[t, self.candidates[t]]
            share = 1 / (len(rows) * len(y))
            a, b = a + share * x.T @ x, b + share * x.T @ y
        return a, b

    def weights(self, fuser: Fuser, leave: frozenset) -> np.ndarray:
        """Ridge weights from all datasets not in `leave`."""
        blocks = [self.block(fuser, name, leave) for name in self.of if name not in leave]
        a, b = sum(a for a, _ in blocks) / len(blocks), sum(b for _, b in blocks) / len(blocks)
        return np.linalg.solve(a + RIDGE * np.eye(len(a)), b)

    def predict(self, fuser: Fuser, dataset: str, leave: frozenset) -> dict:
        """{task: fused score of each candidate} on `dataset`, nothing learnt from `leave` or from it."""
        leave = leave | {dataset}
        weights = self.weights(fuser, leave) if fuser.fitted else None
        out = {}
        for t in self.of[dataset]:
            x = self.columns(fuser, t, leave)
            out[t] = x @ weights if fuser.fitted else x.argsort(0).argsort(0).mean(1)
        return out

    def agreement(self, dataset: str, predicted: dict) -> float:
        """Mean weighted tau over the tasks of a dataset."""
        return float(np.nanmean([agreement.tau(self.grid.truth[t, self.candidates[t]], score)
                                 for t, score in predicted.items()]))

    def choose(self, dataset: str) -> Fuser:
        """The fuser that is best on the other datasets, each left out in turn."""
        others = [name for name in self.of if name != dataset]
        held = frozenset({dataset})
        means = [np.mean([self.agreement(name, self.predict(fuser, name, held)) for name in others])
                 for fuser in FUSERS]
        return FUSERS[int(np.argmax(means))]

    def fuse(self, dataset: str):
        """(chosen fuser, its predictions) for a held-out dataset."""
        fuser = self.choose(dataset)
        return fuser, self.predict(fuser, dataset, frozenset())
