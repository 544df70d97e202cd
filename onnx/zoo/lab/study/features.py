"""What each backbone makes of every target's images, float and int8: features and source logits, in the cache.

Both forms run in onnxruntime from exported files, as on a device, only in batches.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch

from .. import catalogue, export, graph, quantise, runtime, sources
from . import datasets, plan, pretrain
from .tables import Table

FORMS = ("float", "int8")
SCHEME = catalogue.SCHEMES["qop"]
BATCH = 100


def path_of(backbone, form: str) -> Path:
    """The cached arrays of one backbone in one form."""
    return plan.STORE / "features" / f"{backbone.key}-{form}.npz"


def any_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph for any number of images at once."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    return model


def forms(backbone, shared: Path, folder: Path) -> dict:
    """{form: path of an ONNX file}; int8 is calibrated on the backbone's own source."""
    net = pretrain.load(backbone)
    plain, small = folder / "float.onnx", folder / "int8.onnx"
    export.export(net, plain, 13)
    inputs = quantise.calibration(sources.SOURCES[backbone.source], datasets.pretraining(backbone.source, shared))
    onnx.save(any_batch(quantise.quantise(plain, SCHEME, inputs)), small)
    macs = graph.cost(plain)["macs"]
    onnx.save(any_batch(onnx.load(plain)), plain)
    return {"float": plain, "int8": small, "macs": macs}


def infer(run, pixels: np.ndarray, norm: tuple):
    """uint8 NHWC images to float32 features [N, D] and logits [N, Z]."""
    inputs = sources.normalise(pixels, norm)
    parts = [run.run(runtime.OUTPUTS, {"image": inputs[i:i + BATCH]}) for i in range(0, len(inputs), BATCH)]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts))


def extract(backbone, model: Path, shared: Path) -> dict:
    """Arrays by name: DATASET.train, DATASET.test (features) and DATASET.logits (of the training images)."""
    run, norm = runtime.session(model), sources.SOURCES[backbone.source].norm
    out = {}
    for name in plan.TARGETS:
        data = datasets.target(name, shared)
        out[f"{name}.train"], out[f"{name}.logits"] = infer(run, data.x_train, norm)
        out[f"{name}.test"], logits = infer(run, data.x_test, norm)
        if name == backbone.source:
            out["own.accuracy"] = np.float64((logits.argmax(1) == data.y_test).mean())
    return out


def features(shared: Path, only: str = "") -> None:
    """Every trained backbone whose key contains `only` and whose arrays are not in the cache."""
    torch.set_num_threads(1)
    for backbone in plan.backbones():
        missing = [form for form in FORMS if not path_of(backbone, form).exists()]
        if only not in backbone.key or not missing or (backbone.key,) not in Table("backbones"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            files = forms(backbone, shared, Path(folder))
            for form in missing:
                arrays = extract(backbone, files[form], shared)
                path = path_of(backbone, form)
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_suffix(".part.npz")
                np.savez(part, **arrays)
                part.replace(path)
        table = Table("backbones")
        table.add([dict(table.rows[(backbone.key,)], macs=files["macs"],
                        accuracy_int8=f"{arrays['own.accuracy']:.4f}")])
        print(f"{backbone.key} features", flush=True)
