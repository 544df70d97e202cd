"""The import itself: float model in, int8 candidate with its sidecar out, and how far the two are apart."""

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from .. import export, goldens, sidecar
from . import images, read, tap
from .read import Unfit

FORMATS = {"qdq": QuantFormat.QDQ, "qop": QuantFormat.QOperator}
ort.set_default_logger_severity(3)
SKIPPED = ("Softmax", "LogSoftmax", "Sigmoid")


@dataclass
class Made:
    """What came out."""

    model: Path
    inputs: str
    scores: str
    features: str | None
    closeness: dict
    notes: list


class Reader(CalibrationDataReader):
    """Hands inputs to the calibrator one by one."""

    def __init__(self, name, inputs):
        self.name, self.rows = name, iter(inputs)

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {self.name: row[None]}


def session(path: Path, optimised: bool = True) -> ort.InferenceSession:
    """A single-threaded CPU session."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answers(path: Path, inputs: np.ndarray, names: list, optimised: bool = True) -> list:
    """The named outputs, flattened: one float array [N, ...] each."""
    run = session(path, optimised)
    name = run.get_inputs()[0].name
    rows = [run.run(names, {name: row[None]}) for row in inputs]
    return [np.stack([row[at].ravel() for row in rows]) for at in range(len(names))]


def flat_biases(model: onnx.ModelProto) -> None:
    """Biases of fully connected layers as vectors: the quantiser trips over [1, Z]."""
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        bias = held.get(node.input[2]) if node.op_type == "Gemm" and len(node.input) == 3 else None
        if bias is not None and list(bias.dims[:-1]) == [1]:
            del bias.dims[0]


def prepared(path: Path, folder: Path, shape) -> Path:
    """The file as a folded float model with its feature tensor among the outputs."""
    raw, plain = folder / "raw.onnx", folder / "float.onnx"
    onnx.save(read.load(path, folder, shape), raw)
    try:
        quant_pre_process(str(raw), str(plain), skip_symbolic_shape=True)
        session(plain)
    except Exception as error:  # onnxruntime has a class of its own for each failure
        raise Unfit(f"onnxruntime cannot run {path.name}: {str(error).strip().splitlines()[0]}") from None
    model = onnx.load(plain)
    flat_biases(model)
    scores = tap.scores(model)
    if scores is None:
        raise Unfit("no output looks like the scores of a classifier: [1, Z] with two or more classes")
    found = tap.features(model, scores)
    if found and all(value.name != found for value in model.graph.output):
        model.graph.output.insert(0, onnx.helper.make_tensor_value_info(found, onnx.TensorProto.FLOAT, None))
    onnx.save(onnx.shape_inference.infer_shapes(model), plain)
    return plain


def quantised(plain: Path, scheme: str, inputs: np.ndarray) -> onnx.ModelProto:
    """Static int8: activations u8, weights s8 per channel, by minimum and maximum; Softmax stays float."""
    out, model = plain.with_name("int8.onnx"), onnx.load(plain)
    logging.getLogger().setLevel(logging.ERROR)
    try:
        quantize_static(str(plain), str(out), Reader(model.graph.input[0].name, inputs),
                        quant_format=FORMATS[scheme], per_channel=True, activation_type=QuantType.QUInt8,
                        weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
                        nodes_to_exclude=[node.name for node in model.graph.node if node.op_type in SKIPPED])
    except Exception as error:  # likewise
        raise Unfit(f"onnxruntime cannot quantise the model: {str(error).strip().splitlines()[0]}") from None
    return onnx.load(out)


def closeness(plain: Path, small: Path, inputs: np.ndarray, scores: str, found: str | None) -> dict:
    """int8 against float on `inputs`: share of equal classes, largest difference over the range, for each output."""
    names = [scores] + ([found] if found else [])
    a, b = answers(plain, inputs, names), answers(small, inputs, names)
    out = {"inputs": len(inputs), "same_class": float((a[0].argmax(1) == b[0].argmax(1)).mean())}
    for label, one, other in zip(("scores", "features"), a, b):
        out[label] = float(np.abs(one - other).max() / max(np.ptp(one), 1e-12))
    return out


def step_behind(model, name: str) -> float:
    """One quantum at the output `name`, found behind the float operators (Softmax, say) that follow it."""
    producer = {output: node for node in model.graph.node for output in node.output}
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    while name in producer:
        node = producer[name]
        if node.op_type == "DequantizeLinear" and node.input[1] in held:
            return float(onnx.numpy_helper.to_array(held[node.input[1]]).max())
        name = node.input[0]
    return 0.0


def golden_rows(path: Path, reading, names: list) -> list:
    """Seeded inputs and onnxruntime's answers; the tolerance is its own spread plus two quanta of every output."""
    model, rows = onnx.load(path), []
    for seed in goldens.SEEDS:
        image = reading.tensor(goldens.pixels(seed, reading.height, reading.width, reading.channels))
        fused, plain = (answers(path, image, names, optimised) for optimised in (True, False))
        spread = max(float(np.abs(a - b).max()) + 2 * step_behind(model, name) + goldens.FLOAT_SLACK
                     for name, a, b in zip(names, fused, plain))
        rows.append((seed, spread, [each[0].tolist() for each in fused]))
    return rows


def sidecar_text(path: Path, family: str, licence: str, labels, reading, scores: str, found) -> str:
    """The TOML of docs/models.md for an imported model."""
    lines = ["schema = 1", f"id = {sidecar.quoted(path.stem)}", f"family = {sidecar.quoted(family)}",
             f"licence = {sidecar.quoted(licence)}", f"sha256 = {sidecar.quoted(sidecar.sha256(path))}"]
    if labels:
        lines += ["", "[source]", f"task = {sidecar.quoted(path.stem)}",
                  "labels = [" + ", ".join(sidecar.quoted(label) for label in labels) + "]"]
    if reading:
        lines += ["", "[preprocess]", f'layout = "{reading.layout}"', f"channels = {reading.channels}",
                  f"height = {reading.height}", f"width = {reading.width}",
                  f"mean = {sidecar.numbers(reading.mean)}", f"std = {sidecar.numbers(reading.std)}"]
    if found:
        lines += ["", "[outputs]", f"features = {sidecar.quoted(found)}", f"scores = {sidecar.quoted(scores)}"]
    for seed, tolerance, values in golden_rows(path, reading, [scores] + ([found] if found else [])) if reading else ():
        lines += ["", "[[golden]]", f"seed = {seed}", f"tolerance = {tolerance * 1.01:.3g}",
                  f"logits = {sidecar.numbers(values[0])}"]
        lines += [f"features = {sidecar.numbers(values[1])}"] if found else []
    return "\n".join(lines) + "\n"


def adopt(path: Path, out: Path, name: str, *, scheme="qdq", norm="unit", calibration=None, shape=None, labels=(),
          family="imported", licence="unknown") -> Made:
    """Write `out`/`name`.onnx and .toml; raises Unfit, and then has written nothing."""
    with tempfile.TemporaryDirectory() as temporary:
        plain = prepared(path, Path(temporary), shape)
        model = onnx.load(plain)
        entry = model.graph.input[0]
        dims = [dim.dim_value for dim in entry.type.tensor_type.shape.dim]
        scores = tap.scores(model)
        found = tap.features(model, scores)
        reading = images.reading(dims, norm)
        inputs = images.calibration(calibration, dims, reading)
        small = quantised(plain, scheme, inputs)
        classes = next(v for v in model.graph.output if v.name == scores).type.tensor_type.shape.dim[1].dim_value
        if labels and len(labels) != classes:
            raise Unfit(f"{len(labels)} labels for {classes} scores")
        out.mkdir(parents=True, exist_ok=True)
        target = out / f"{name}.onnx"
        export.save(small, target, name)
        target.with_suffix(".toml").write_text(
            sidecar_text(target, family, licence, labels, reading, scores, found))
        notes = [] if calibration else ["calibrated on random inputs: give --calibration for a model to rely on"]
        notes += [] if found else ["no feature tensor found: the agent can score this candidate by its answers only"]
        notes += [] if reading else ["the input is no image: no [preprocess], no goldens"]
        return Made(target, f"{entry.name} {dims}", scores, found,
                    closeness(plain, target, inputs[:64], scores, found), notes)
