"""A trained network as a float32 ONNX file: batch norm folded, names and versions fixed."""

import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization.shape_inference import quant_pre_process

IR_VERSION = 8


def tidy(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Drop what a tool left behind: unused operator sets, tool names, inferred shapes; set the versions."""
    used = {node.domain or "" for node in model.graph.node}
    keep = [opset for opset in model.opset_import if (opset.domain or "") in used]
    del model.opset_import[:]
    model.opset_import.extend(keep)
    del model.graph.value_info[:]
    del model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    model.graph.name = name
    model.graph.doc_string = ""
    model.doc_string = ""
    model.producer_name, model.producer_version = "umbra-lab", ""
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def export(net, path: Path, opset: int) -> None:
    """Write `net` (eval mode) with input "image" [1, 3, 32, 32] and outputs "features", "logits"."""
    raw = path.with_suffix(".raw.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net.eval(), torch.zeros(1, 3, 32, 32), str(raw), opset_version=opset, dynamo=False,
                          input_names=["image"], output_names=["features", "logits"])
    # Folds batch norm that the exporter left and removes Identity nodes; onnxruntime's quantiser expects it.
    quant_pre_process(str(raw), str(path), skip_symbolic_shape=True)
    raw.unlink()


def save(model: onnx.ModelProto, path: Path, name: str) -> None:
    """Write the tidied model."""
    path.write_bytes(tidy(model, name).SerializeToString(deterministic=True))
