"""Does the zoo offer a real choice on the demo task? Few-shot accuracy and its predictors per candidate."""

import statistics
from pathlib import Path

import numpy as np

from . import graph, runtime, sidecar, transfer
from .meter import task

MARGIN = 0.10


def measure(path: Path, card: dict, samples) -> dict:
    """One row: sizes, 20-shot test accuracy, cross-validated accuracy, LogME, accuracy of the source head itself."""
    norm = sidecar.norm_of(card)
    run = runtime.session(path)
    f_train, _ = runtime.infer(run, samples.x_train, norm)
    f_test, logits = runtime.infer(run, samples.x_test, norm)
    classes = len(samples.labels)
    predicted = transfer.fit_predict(f_train, samples.y_train, f_test, classes)
    row = {"id": card["id"], "bytes": path.stat().st_size, **graph.cost(path),
           "test": float((predicted == samples.y_test).mean()),
           "cv": float(transfer.cross_validate(f_train, samples.y_train, classes)),
           "logme": transfer.logme(f_train, samples.y_train, classes), "zero": None}
    if card["source"]["labels"] == list(samples.labels):
        row["zero"] = float((logits.argmax(1) == samples.y_test).mean())
    return row


def table(rows) -> str:
    """Plain text, best first."""
    lines = [f"{'id':34} {'bytes':>7} {'MACs':>9} {'params':>7} {'test':>6} {'CV':>6} {'LogME':>8} {'own head':>8}"]
    for row in sorted(rows, key=lambda r: -r["test"]):
        zero = "-" if row["zero"] is None else f"{row['zero']:.3f}"
        lines.append(f"{row['id']:34} {row['bytes']:7} {row['macs']:9} {row['params']:7} {row['test']:6.3f} "
                     f"{row['cv']:6.3f} {row['logme']:8.4f} {zero:>8}")
    return "\n".join(lines)


def verdict(rows) -> list:
    """(statement, holds) for each property a real choice needs."""
    best = max(rows, key=lambda r: r["test"])
    cheapest = min(rows, key=lambda r: r["macs"])
    largest = max(rows, key=lambda r: r["bytes"])
    largest_int8 = max((r for r in rows if "-int8-" in r["id"]), key=lambda r: r["bytes"], default=largest)
    median = statistics.median(r["test"] for r in rows)
    ids = {best["id"], cheapest["id"], largest["id"]}
    ids_int8 = {best["id"], cheapest["id"], largest_int8["id"]}
    return [
        (f"best {best['id']} {best['test']:.3f} leads the median {median:.3f} by {MARGIN:.2f} or more",
         best["test"] - median >= MARGIN),
        (f"best, cheapest {cheapest['id']} and largest {largest['id']} differ", len(ids) == 3),
        (f"best, cheapest and largest int8 {largest_int8['id']} differ", len(ids_int8) == 3),
        ("best reaches 0.90", best["test"] >= 0.90),
        (f"weakest {min(r['test'] for r in rows):.3f} is below 0.70", min(r["test"] for r in rows) < 0.70),
    ]


def choice(folder: Path, task_folder: Path) -> int:
    """Print the table, the correlations and the verdict; returns how many properties fail."""
    samples = task.read(task_folder)
    rows = [measure(path, card, samples) for path, card in sidecar.all_in(folder)]
    print(table(rows))
    test = np.array([r["test"] for r in rows])
    for name in ("logme", "cv"):
        values = np.array([r[name] for r in rows])
        print(f"{name} against test accuracy: Spearman {transfer.spearman(values, test):.3f}, "
              f"Kendall {transfer.kendall(values, test):.3f}")
    failed = 0
    for statement, holds in verdict(rows):
        failed += not holds
        print(f"{'yes' if holds else 'NO '}  {statement}")
    return failed
