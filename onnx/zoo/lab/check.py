"""Verify every shipped model against its sidecar with onnxruntime."""

from pathlib import Path

import onnx

from . import goldens, runtime, sidecar

LIMIT_BYTES = 4_000_000


def faults(path: Path, card: dict) -> list:
    """What is wrong with one model, in words; empty when all is well."""
    found = []
    if sidecar.sha256(path) != card["sha256"]:
        found.append("sha256 differs")
    if card["id"] != path.stem:
        found.append("id is not the file name")
    model = onnx.load(path)
    if model.ir_version > 10:
        found.append(f"ir_version {model.ir_version}")
    if any(node.op_type == "Softmax" for node in model.graph.node):
        found.append("has a Softmax")
    run = runtime.session(path)
    if [(i.name, i.shape) for i in run.get_inputs()] != [("image", [1, 3, 32, 32])]:
        found.append("input is not image [1, 3, 32, 32]")
    shapes = {o.name: o.shape for o in run.get_outputs()}
    golden = card["golden"][0]
    wanted = {name: [1, len(golden[name])] for name in runtime.OUTPUTS}
    if shapes != wanted or len(card["source"]["labels"]) != len(golden["logits"]):
        found.append(f"outputs {shapes}, sidecar says {wanted}")
    if any(not golden["features"] or min(golden["features"]) < 0 for golden in card["golden"]):
        found.append("features are not ReLU outputs")
    for golden in card["golden"]:
        off = goldens.worst(path, golden, sidecar.norm_of(card))
        if off > golden["tolerance"]:
            found.append(f"golden {golden['seed']} off by {off:.4g} > {golden['tolerance']:.4g}")
    return found


def check(folder: Path) -> int:
    """Print a table; returns the number of faulty models (1 if there are none at all or they are too large)."""
    entries = sidecar.all_in(folder)
    bad = total = 0
    print(f"{'id':34} {'bytes':>7} {'float':>6} {'int8':>6} {'D':>4} {'Z':>3} {'tolerance':>9}  verdict")
    for path, card in entries:
        found = faults(path, card)
        bad += bool(found)
        total += path.stat().st_size + path.with_suffix(".toml").stat().st_size
        source, golden = card["source"], card["golden"][0]
        int8 = f"{source['accuracy_int8']:.4f}" if "accuracy_int8" in source else "-"
        print(f"{card['id']:34} {path.stat().st_size:7} {source['accuracy_float']:.4f} {int8:>6} "
              f"{len(golden['features']):4} {len(golden['logits']):3} {golden['tolerance']:9.4g}  "
              f"{'; '.join(found) or 'ok'}")
    print(f"{len(entries)} models, {total} bytes with sidecars, {bad} faulty")
    return bad + (not entries) + (total > LIMIT_BYTES)
