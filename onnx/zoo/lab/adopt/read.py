"""A file of a stranger as a float32 ONNX model at batch 1 that onnxruntime's quantiser takes; or why not."""

from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import helper, numpy_helper, version_converter

OPSET = 13
INTEGER = ("QuantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger")


class Unfit(Exception):
    """A file that cannot become a candidate; the text says why and what to do."""


def _scripted(path: Path, shape):
    """(module, example input) of a TorchScript file."""
    import torch
    try:
        module = torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        first = str(error).strip().splitlines()[0]
        raise Unfit(f"{path.name} is no TorchScript file ({first}); a file of weights alone has no network: "
                    "save the network itself with torch.jit.save or torch.export.save") from None
    if not shape:
        raise Unfit("a TorchScript file does not say what it reads: give --shape, such as --shape 1x3x32x32")
    return module, torch.zeros(shape)


def _exported(path: Path):
    """(module, example input) of a torch.export file."""
    import torch
    try:
        program = torch.export.load(str(path))
    except Exception as error:  # torch raises a different type for each kind of damage
        raise Unfit(f"{path.name} is no torch.export file: {str(error).strip().splitlines()[0]}") from None
    (example, *others), _ = program.example_inputs
    if others:
        raise Unfit(f"{path.name} has {1 + len(others)} inputs; a candidate has one")
    return program.module(), example


def from_torch(path: Path, folder: Path, shape) -> onnx.ModelProto:
    """A PyTorch file exported to ONNX."""
    import warnings

    import torch
    module, example = _exported(path) if path.suffix == ".pt2" else _scripted(path, shape)
    out = folder / "exported.onnx"
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            traced = module if isinstance(module, torch.jit.ScriptModule) else torch.jit.trace(module, example)
            torch.onnx.export(traced, example, str(out), opset_version=OPSET, dynamo=False,
                              input_names=["input"], output_names=["scores"])
    except Exception as error:  # likewise
        raise Unfit(f"PyTorch cannot export {path.name} to ONNX: {str(error).strip().splitlines()[0]}") from None
    return onnx.load(out)


def from_onnx(path: Path) -> onnx.ModelProto:
    """An ONNX file, external data included."""
    try:
        model = onnx.load(path)
        if not model.graph.node:
            raise Unfit(f"{path.name} holds no graph: it is no ONNX model, or an empty one")
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, UnicodeDecodeError, FileNotFoundError) as error:
        raise Unfit(f"{path.name} is no valid ONNX model: {str(error).strip().splitlines()[0]}") from None
    return model


def _constants_apart(model) -> None:
    """Files of old versions list weights among the inputs too."""
    held = {tensor.name for tensor in model.graph.initializer}
    real = [value for value in model.graph.input if value.name not in held]
    del model.graph.input[:]
    model.graph.input.extend(real)


def _weights_dequantised(model) -> None:
    """Compute DequantizeLinear of constants, so that weights which were only stored in 8 bits are float again."""
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in list(model.graph.node):
        if node.op_type != "DequantizeLinear" or any(name and name not in held for name in node.input):
            continue
        values, scale, *zero = (numpy_helper.to_array(held[name]) for name in node.input if name)
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        shape = [-1 if at == axis else 1 for at in range(values.ndim)] if scale.ndim else []
        shift = zero[0].astype(np.float32).reshape(shape) if zero else np.float32(0)
        result = (values.astype(np.float32) - shift) * scale.reshape(shape)
        model.graph.initializer.append(numpy_helper.from_array(result.astype(np.float32), node.output[0]))
        model.graph.node.remove(node)
    read = {name for node in model.graph.node for name in node.input} | {v.name for v in model.graph.output}
    for tensor in [tensor for tensor in model.graph.initializer if tensor.name not in read]:
        model.graph.initializer.remove(tensor)


def _batch_of_one(model) -> None:
    """Fix the open first dimension of every input and output."""
    for value in (*model.graph.input, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims and dims[0].dim_value != 1:
            if dims[0].dim_value > 1:
                raise Unfit(f"{value.name!r} is made for batches of {dims[0].dim_value}; export it for 1")
            dims[0].Clear()
            dims[0].dim_value = 1


def _sole_input(model) -> None:
    """One float input of known size."""
    if len(model.graph.input) != 1:
        names = ", ".join(repr(value.name) for value in model.graph.input)
        raise Unfit(f"the model has {len(model.graph.input)} inputs ({names}); a candidate has one")
    value = model.graph.input[0]
    kind, dims = value.type.tensor_type.elem_type, value.type.tensor_type.shape.dim
    if kind != onnx.TensorProto.FLOAT:
        raise Unfit(f"input {value.name!r} is {helper.tensor_dtype_to_np_dtype(kind)}, not float32: "
                    "convert the model to float32 first")
    if not dims or any(dim.dim_value < 1 for dim in dims[1:]):
        raise Unfit(f"input {value.name!r} has open dimensions besides the batch: export it for one size")


def load(path: Path, folder: Path, shape=None) -> onnx.ModelProto:
    """Any supported file as a float32 model of operator set `OPSET` or newer, batch 1; raises Unfit."""
    if not path.is_file():
        raise Unfit(f"{path} is no file")
    torch_file = path.suffix in (".pt", ".pts", ".pth", ".torchscript", ".pt2")
    model = from_torch(path, folder, shape) if torch_file else from_onnx(path)
    _weights_dequantised(model)
    if any(node.op_type in INTEGER or node.op_type.startswith("QLinear") for node in model.graph.node):
        raise Unfit(f"{path.name} is quantised already: put it into the zoo as it is; the agent finds the feature "
                    "tensor by rule, and a sidecar (docs/models.md) may say more")
    _constants_apart(model)
    _sole_input(model)
    _batch_of_one(model)
    version = next(opset.version for opset in model.opset_import if not opset.domain)
    if version < OPSET:
        try:
            # The converter takes constants that are no inputs only in files of a newer format.
            model.ir_version = max(model.ir_version, 8)
            model = version_converter.convert_version(model, OPSET)
        except Exception as error:  # the converter's C++ errors come as plain RuntimeError and worse
            raise Unfit(f"cannot be lifted from operator set {version} to {OPSET}: "
                        f"{str(error).strip().splitlines()[0]}") from None
    return model
