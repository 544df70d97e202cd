"""Train, export, quantise, measure and write every member of the catalogue."""

import tempfile
from pathlib import Path

import onnx

from . import catalogue, export, goldens, quantise, runtime, sidecar, sources, train


def write_form(model_id, model, member, data, accuracy_float, out: Path) -> None:
    """One .onnx and its .toml into `out`; an int8 form is first scored on the source's test split."""
    source = sources.SOURCES[member.source]
    path = out / f"{model_id}.onnx"
    export.save(model, path, model_id)
    accuracy_int8 = None
    if "-int8-" in model_id:
        accuracy_int8 = runtime.accuracy(path, data.x_test, data.y_test, source.norm)
    path.with_suffix(".toml").write_text(sidecar.text(
        model_id, member.family, sidecar.sha256(path), source, data.labels,
        (accuracy_float, accuracy_int8), len(data.y_test), goldens.goldens(path, source.norm)))
    shown = "" if accuracy_int8 is None else f" int8 {accuracy_int8:.4f}"
    print(f"{model_id}: {path.stat().st_size} bytes, float {accuracy_float:.4f}{shown}", flush=True)


def build_member(member, shared: Path, cache: Path, out: Path, smoke: bool) -> None:
    """All forms of one member."""
    source = sources.SOURCES[member.source]
    data = sources.load(member.source, shared, smoke)
    net = train.train(member, shared, cache, smoke)
    with tempfile.TemporaryDirectory() as folder:
        float_path = Path(folder) / "float.onnx"
        export.export(net, float_path, member.opset)
        accuracy_float = runtime.accuracy(float_path, data.x_test, data.y_test, source.norm)
        inputs = quantise.calibration(source, data)
        for model_id, scheme in member.ids():
            model = quantise.quantise(float_path, scheme, inputs) if scheme else onnx.load(float_path)
            write_form(model_id, model, member, data, accuracy_float, out)


def build(shared: Path, cache: Path, out: Path, smoke: bool, only: str = "") -> None:
    """Every member whose key contains `only`."""
    out.mkdir(parents=True, exist_ok=True)
    for member in catalogue.SMOKE if smoke else catalogue.MEMBERS:
        if only in member.key:
            build_member(member, shared, cache, out, smoke)
