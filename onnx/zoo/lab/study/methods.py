"""Every way of ordering the candidates of a held-out dataset, evaluated alike."""

from dataclasses import dataclass

import numpy as np

from . import agreement, costs
from .fusion import FUSERS, Study
from .grid import Grid, load
from .tables import rows as facts

DRAWS = 10_000


@dataclass
class Result:
    """One method: per dataset the mean over its tasks of weighted tau (both forms), regret, best in the top 3."""

    name: str
    tau: np.ndarray
    symmetric: np.ndarray
    regret: np.ndarray
    top: np.ndarray
    metrics: tuple = ()

    def line(self) -> tuple:
        """Means over datasets: tau, symmetric tau, regret in accuracy points."""
        return self.tau.mean(), self.symmetric.mean(), 100 * self.regret.mean()


def measured(name: str, study: Study, predict, metrics=()) -> Result:
    """Evaluate `predict`: dataset -> {task: score of each candidate}."""
    rows = []
    for dataset in study.of:
        each = [(study.grid.truth[t, study.candidates[t]], score) for t, score in predict(dataset).items()]
        rows.append([np.nanmean([f(truth, score) for truth, score in each])
                     for f in (agreement.tau, agreement.tau_symmetric, agreement.regret, agreement.best_in_top)])
    return Result(name, *np.array(rows).T, metrics=metrics)


def static(study: Study, values: np.ndarray):
    """A predictor that says the same of a backbone on every task."""
    return lambda dataset: {t: values[study.candidates[t]] for t in study.of[dataset]}


def study_of(form: str, shots: int, truth_form: str | None = None, only: frozenset | None = None) -> Study:
    """The study of one form and number of shots."""
    grid = load(form, shots, truth_form, only)
    rows = facts("backbones")
    return Study(grid, {b: rows[(b,)]["source"] for b in grid.backbones},
                 {b: rows[(b,)]["family"] for b in grid.backbones})


def singles(study: Study) -> list:
    """Each score by itself."""
    return [measured(name, study, lambda d, v=values: {t: v[t, study.candidates[t]] for t in study.of[d]}, (name,))
            for name, values in study.grid.scores.items()]


def statics(study: Study) -> list:
    """Orders that look at no image of the task: the prior of the other datasets, and lists from a model's card."""
    rows = [facts("backbones")[(b,)] for b in study.grid.backbones]
    lists = {"parameters": "params", "multiply-accumulates": "macs", "accuracy at home": "accuracy_float"}
    out = [measured("prior", study, lambda d: {t: study.prior(frozenset({d}))[study.candidates[t]]
                                               for t in study.of[d]})]
    return out + [measured(f"static: {name}", study, static(study, np.array([float(row[column] or "nan")
                                                                             for row in rows])))
                  for name, column in lists.items()]


def fused(study: Study, alone: bool = True):
    """(the nested fusion, what it chose per dataset, each fuser by itself if `alone`)."""
    chosen = {dataset: study.fuse(dataset) for dataset in study.of}
    nested = measured("fusion (chosen without the dataset)", study, lambda d: chosen[d][1],
                      tuple(study.grid.scores))
    each = [measured(fuser.name, study, lambda d, f=fuser: study.predict(f, d, frozenset()),
                     fuser.metrics or tuple(study.grid.scores)) for fuser in FUSERS if alone]
    return nested, {dataset: fuser.name for dataset, (fuser, _) in chosen.items()}, each


def bootstrap(difference: np.ndarray, seed: int = 23) -> tuple:
    """95 % interval of the mean over datasets, datasets drawn with replacement."""
    rng = np.random.default_rng(seed)
    means = difference[rng.integers(len(difference), size=(DRAWS, len(difference)))].mean(1)
    return tuple(np.percentile(means, (2.5, 97.5)))


def share_of_fine_tuning(metrics: tuple, macs: float, shots: int) -> float:
    """Cost of scoring one candidate, forward passes included, over that of fine-tuning it."""
    return (costs.forward(macs, shots) + sum(costs.operations(m, shots) for m in metrics)) / costs.fine_tuning(macs)


def reordered(grid: Grid, other: Grid) -> dict:
    """How far two truths of the same tasks and backbones agree: the second as a score for the first."""
    taus, regrets, firsts, gaps = [], [], [], []
    for t in range(len(grid.tasks)):
        both = np.flatnonzero(np.isfinite(grid.truth[t]) & np.isfinite(other.truth[t]))
        a, b = grid.truth[t, both], other.truth[t, both]
        taus.append(agreement.tau(a, b))
        regrets.append(agreement.regret(a, b))
        firsts.append(a[b.argmax()] == a.max())
        gaps.append(np.abs(a - b))
    gaps = np.concatenate(gaps)
    return {"tau": np.nanmean(taus), "regret": 100 * np.mean(regrets), "same best": np.mean(firsts),
            "mean gap": 100 * gaps.mean(), "largest gap": 100 * gaps.max()}
