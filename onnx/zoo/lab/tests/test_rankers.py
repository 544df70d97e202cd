"""The rankers that ship are sound ONNX, and ONNX Runtime says of them what the architecture promises."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from .. import paths

RANKERS = [paths.ONNX / "ranker" / f"{name}.onnx" for name in ("spider", "fusion")]


def question(model: onnx.ModelProto, models: int, classes: int) -> dict:
    """Inputs of the right widths."""
    rows = {"portraits": models, "views": models, "classes": classes, "hardware": 1}
    rng = np.random.default_rng(3)
    widths = {value.name: value.type.tensor_type.shape.dim[1].dim_value for value in model.graph.input}
    return {name: rng.normal(size=(rows[name], width)).astype(np.float32) for name, width in widths.items()}


@pytest.mark.parametrize("path", RANKERS, ids=lambda path: path.stem)
def test_a_ranker_scores_every_model_for_itself(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    run = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = question(model, 5, 7)
    scores = run.run(["scores"], inputs)[0]
    assert scores.shape == (5, 1) and np.isfinite(scores).all()
    few = {name: rows[:2] if name in ("portraits", "views") else rows for name, rows in inputs.items()}
    np.testing.assert_allclose(run.run(["scores"], few)[0], scores[:2], atol=1e-5)
    turned = dict(inputs, classes=inputs["classes"][::-1].copy())
    np.testing.assert_allclose(run.run(["scores"], turned)[0], scores, atol=1e-5)


def test_the_correction_of_costs_corrects_every_model_for_itself():
    path = paths.ONNX / "ranker" / "shadow.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    run = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    widths = {value.name: value.type.tensor_type.shape.dim[1].dim_value for value in model.graph.input}
    assert set(widths) == {"models", "board"}
    rng = np.random.default_rng(3)
    models = rng.normal(size=(5, widths["models"])).astype(np.float32)
    board = rng.normal(size=(1, widths["board"])).astype(np.float32)
    found = run.run(["corrections"], {"models": models, "board": board})[0]
    assert found.shape == (5, 2) and np.isfinite(found).all() and np.ptp(found[:, 0]) > 0
    few = run.run(["corrections"], {"models": models[:2], "board": board})[0]
    np.testing.assert_allclose(few, found[:2], atol=1e-5)
