"""The facts of one form and number of shots as arrays over tasks and backbones; what is missing is NaN."""

from dataclasses import dataclass

import numpy as np

from .metrics import METRICS
from .tables import rows


@dataclass
class Grid:
    """truth [T, B] accuracies, scores {metric: [T, B]} of `samples` [T] images; own-source pairs are NaN in all."""

    backbones: list
    tasks: list
    datasets: np.ndarray
    truth: np.ndarray
    scores: dict
    samples: np.ndarray

    @property
    def names(self) -> list:
        """The datasets, sorted."""
        return sorted({str(name) for name in self.datasets})

    def present(self, t: int) -> np.ndarray:
        """Candidates of a task: those with a truth and every score."""
        found = np.isfinite(self.truth[t])
        for values in self.scores.values():
            found = found & np.isfinite(values[t])
        return np.flatnonzero(found)


def standard(values: np.ndarray) -> np.ndarray:
    """Each row with mean 0 and deviation 1 over what is there."""
    there = np.isfinite(values)
    count = np.maximum(there.sum(1, keepdims=True), 1)
    apart = values - np.where(there, values, 0).sum(1, keepdims=True) / count
    deviation = np.sqrt((np.where(there, apart, 0) ** 2).sum(1, keepdims=True) / count)
    return apart / np.where(deviation > 0, deviation, 1)


def load(form: str, shots: int, truth_form: str | None = None, only: frozenset | None = None) -> Grid:
    """Scores of `form` at `shots` against the truth of `truth_form` (the same unless given), of `only` if given."""
    scores = [row for row in rows("scores").values() if row["form"] == form and row["shots"] == str(shots)]
    probe = [row for row in rows("probe").values() if row["form"] == (truth_form or form)]
    known = {row["backbone"] for row in scores} & {row["backbone"] for row in probe}
    known = known if only is None else known & only
    backbones, tasks = sorted(known), sorted({row["task"] for row in scores})
    column, line = {b: i for i, b in enumerate(backbones)}, {t: i for i, t in enumerate(tasks)}
    shape = (len(tasks), len(backbones))
    truth, values = np.full(shape, np.nan), {name: np.full(shape, np.nan) for name in METRICS}
    for row in probe:
        if row["backbone"] in column and row["task"] in line:
            truth[line[row["task"]], column[row["backbone"]]] = float(row["accuracy"])
    for row in scores:
        for name in METRICS if row["backbone"] in column else ():
            values[name][line[row["task"]], column[row["backbone"]]] = float(row[name] or "nan")
    values = {name: v for name, v in values.items() if np.isfinite(v).any()}
    classes = {row["task"]: int(row["classes"]) for row in probe}
    return Grid(backbones, tasks, np.array([task.split("/")[0] for task in tasks]), truth, values,
                np.array([shots * classes.get(task, 1) for task in tasks]))
