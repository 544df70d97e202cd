"""The table in onnx/zoo/README.md, rewritten between two marker lines from the files themselves."""

from pathlib import Path

from . import choice, paths, sidecar
from .meter import task

BEGIN, END = "<!-- table: python -m lab readme -->", "<!-- end of table -->"


def rows(folder: Path, task_folder: Path) -> list:
    """Markdown lines, best 20-shot accuracy first."""
    samples = task.read(task_folder)
    lines = ["| id | family | source | format | bytes | MACs | float | int8 | 20-shot |",
             "|---|---|---|---|--:|--:|--:|--:|--:|"]
    measured = [(choice.measure(path, card, samples), card) for path, card in sidecar.all_in(folder)]
    for row, card in sorted(measured, key=lambda pair: -pair[0]["test"]):
        source = card["source"]
        form = {"qdq": "int8 QDQ", "qop": "int8 QOperator", "float32": "float32"}[card["id"].rsplit("-", 1)[1]]
        int8 = f"{source['accuracy_int8']:.3f}" if "accuracy_int8" in source else "-"
        lines.append(f"| {card['id']} | {card['family']} | {source['task']} | {form} | "
                     f"{row['bytes']} | {row['macs']} | "
                     f"{source['accuracy_float']:.3f} | {int8} | {row['test']:.3f} |")
    total = sum(p.stat().st_size for p in folder.iterdir() if p.suffix in (".onnx", ".toml"))
    lines += ["", f"{len(measured)} models, {total} bytes with their sidecars."]
    return lines


def update(folder: Path, task_folder: Path) -> int:
    """Rewrite the table in place; returns 1 if the markers are missing."""
    page = paths.ZOO / "README.md"
    text = page.read_text()
    if BEGIN not in text or END not in text:
        print(f"{page.name}: markers missing")
        return 1
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    page.write_text(head + BEGIN + "\n" + "\n".join(rows(folder, task_folder)) + "\n" + END + tail)
    return 0
