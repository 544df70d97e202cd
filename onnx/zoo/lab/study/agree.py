"""The scores in numpy against `umbra score`, on cached features of the study."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from .. import paths
from . import datasets, metrics, plan, probe
from .features import path_of

# Both draw at random, each in its own way: close, not equal. The rest is exact.
LOOSE = {"nleep": 0.5, "head": 0.15}
EXACT = 1e-6
SHOTS = 20


def said(umbra: Path, metric: str, file: Path) -> float:
    """What the binary answers."""
    done = subprocess.run([str(umbra), "score", metric, "--in", str(file), "--json"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{umbra} score {metric}: {done.stderr.strip()}")
    return float(json.loads(done.stdout)["value"])


def agree(umbra: Path, cases: int) -> int:
    """Print the largest difference for each metric, relative to 1 or the value; returns how many are too large."""
    rng, worst = np.random.default_rng(17), {name: 0.0 for name in metrics.METRICS}
    known, shared = probe.ready(""), paths.shared_dir(None)
    for _ in range(cases):
        backbone, form = known[rng.integers(len(known))]
        choice = [pair for pair in probe.tasks_for(backbone, shared) if len(pair[0].classes) <= 12]
        task, data = choice[rng.integers(len(choice))]
        rows, y = datasets.few(data.y_train, task.classes, SHOTS)
        with np.load(path_of(backbone, form)) as npz:
            f, logits = npz[f"{task.dataset}.train"][rows], npz[f"{task.dataset}.logits"][rows]
        ours = metrics.scores(f, logits, y)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "x.npz"
            np.savez(file, features=f.astype(np.float64), logits=logits.astype(np.float64), labels=y)
            for name, value in ours.items():
                theirs = said(umbra, name, file)
                worst[name] = max(worst[name], abs(value - theirs) / max(1, abs(theirs)))
    bad = 0
    for name, difference in worst.items():
        allowed = LOOSE.get(name, EXACT)
        bad += difference > allowed
        print(f"{name:14} largest difference {difference:.2g}, allowed {allowed:g}"
              f"{'' if difference <= allowed else '  TOO LARGE'}")
    print(f"{cases} cases at {SHOTS} images a class, {plan.FACTS.name}")
    return bad
