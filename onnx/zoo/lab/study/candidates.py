"""The study's backbones as candidates on disk, int8, with sidecars: what a ranker's trainer looks at."""

import tempfile
from pathlib import Path

import onnx
import torch

from .. import export, sidecar, sources
from . import datasets, features, plan, pretrain
from .tables import rows


def sidecar_text(backbone, path: Path, fact: dict, labels: tuple) -> str:
    """The sidecar, without golden outputs: the file is made anew by whoever needs it."""
    accuracies = float(fact["accuracy_float"]), float(fact["accuracy_int8"])
    return sidecar.text(backbone.key, backbone.family, sidecar.sha256(path), sources.SOURCES[backbone.source], labels,
                        accuracies, plan.TEST_IMAGES, [])


def candidates(shared: Path, out: Path, only: str = "") -> None:
    """Writes every backbone whose weights are here and whose key contains `only`; keeps what is there."""
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    for backbone in plan.backbones():
        path = out / f"{backbone.key}.onnx"
        if only not in backbone.key or path.with_suffix(".toml").exists() or not pretrain.path_of(backbone).exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            model = onnx.load(features.forms(backbone, shared, Path(folder))["int8"])
        # As on a device: one image at a time.
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 1
        export.save(model, path, backbone.key)
        labels = datasets.pretraining(backbone.source, shared).labels
        fact = rows("backbones")[(backbone.key,)]
        path.with_suffix(".toml").write_text(sidecar_text(backbone, path, fact, labels))
        print(f"{backbone.key}: {path.stat().st_size} bytes", flush=True)
