"""Two of the facts: what a linear head on all training data reaches (the truth), and what each score says of few."""

import time
from pathlib import Path

import numpy as np

from . import datasets, features, heads, metrics, plan
from .tables import Table


def ready(only: str) -> list:
    """(backbone, form) whose features are in the cache, int8 first."""
    return [(backbone, form) for form in reversed(features.FORMS) for backbone in plan.backbones()
            if only in backbone.key and features.path_of(backbone, form).exists()]


def tasks_for(backbone, shared: Path):
    """(task, target data) for every task on another dataset than the backbone's own."""
    for name in plan.TARGETS:
        if name != backbone.source:
            data = datasets.target(name, shared)
            for task in plan.tasks(name, len(data.labels)):
                yield task, data


def probe_task(arrays, task, data) -> dict:
    """The accuracy of one head."""
    rows, y = datasets.relabelled(data.y_train, task.classes)
    test_rows, y_test = datasets.relabelled(data.y_test, task.classes)
    train, test = arrays[f"{task.dataset}.train"][rows], arrays[f"{task.dataset}.test"][test_rows]
    accuracy = heads.probe(train, y, test, y_test, len(task.classes))
    return {"task": task.key, "accuracy": f"{accuracy:.4f}", "train": len(y), "test": len(y_test),
            "classes": len(task.classes)}


def probe(shared: Path, only: str = "") -> None:
    """Every (backbone, task, form) without an accuracy yet."""
    table = Table("probe")
    for backbone, form in ready(only):
        todo = [(task, data) for task, data in tasks_for(backbone, shared)
                if (backbone.key, task.key, form) not in table]
        if not todo:
            continue
        start = time.process_time()
        with np.load(features.path_of(backbone, form)) as npz:
            arrays = {name: npz[name] for name in npz.files if not name.endswith(".logits")}
        table.add([{"backbone": backbone.key, "form": form, **probe_task(arrays, task, data)}
                   for task, data in todo])
        print(f"{backbone.key} {form}: {len(todo)} probes, {time.process_time() - start:.0f} s", flush=True)


def score_task(arrays, task, data, shots: int) -> dict:
    """Every score of one task; an undefined one stays empty."""
    rows, y = datasets.few(data.y_train, task.classes, shots)
    found = metrics.scores(arrays[f"{task.dataset}.train"][rows], arrays[f"{task.dataset}.logits"][rows], y)
    return {"task": task.key, "shots": shots,
            **{name: "" if value is None else f"{value:.6g}" for name, value in found.items()}}


def scores(shared: Path, only: str = "", draws: tuple = plan.SHOTS) -> None:
    """Every (backbone, task, form, shots) without scores yet, 20 shots first."""
    table = Table("scores")
    for shots in sorted(draws, key=lambda s: s != 20):
        for backbone, form in ready(only):
            todo = [(task, data) for task, data in tasks_for(backbone, shared)
                    if (backbone.key, task.key, form, shots) not in table]
            if not todo:
                continue
            start = time.process_time()
            with np.load(features.path_of(backbone, form)) as npz:
                arrays = {name: npz[name] for name in npz.files}
            table.add([{"backbone": backbone.key, "form": form, **score_task(arrays, *each, shots)} for each in todo])
            print(f"{backbone.key} {form}: {len(todo)} tasks scored at {shots} shots, "
                  f"{time.process_time() - start:.0f} s", flush=True)
