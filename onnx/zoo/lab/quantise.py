"""Post-training static quantisation with onnxruntime, and the size of one output step."""

import logging
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from . import sources
from .augment import augment

SAMPLES = 320
TYPES = {"u8": QuantType.QUInt8, "s8": QuantType.QInt8}


class Reader(CalibrationDataReader):
    """Hands float32 [1, 3, 32, 32] inputs to the calibrator one by one."""

    def __init__(self, inputs):
        self.rows = iter(inputs)

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"image": row[None]}


def calibration(source, data) -> np.ndarray:
    """`SAMPLES` training images as the network saw them, augmentation included: float32 [N, 3, 32, 32]."""
    g = torch.Generator().manual_seed(7)
    index = torch.randperm(len(data.x_train), generator=g)[:SAMPLES]
    pixels = torch.from_numpy(data.x_train)[index].permute(0, 3, 1, 2).float()
    pixels = augment(pixels, source.kind, g).numpy().transpose(0, 2, 3, 1)
    return sources.normalise(pixels, source.norm)


def quantise(float_path: Path, scheme, inputs: np.ndarray) -> onnx.ModelProto:
    """The int8 form of `float_path` by `scheme`, calibrated by minimum and maximum on `inputs`."""
    out = float_path.with_suffix(f".{scheme.name}.onnx")
    logging.getLogger().setLevel(logging.ERROR)
    quantize_static(str(float_path), str(out), Reader(inputs),
                    quant_format=QuantFormat[scheme.format], per_channel=scheme.per_channel,
                    activation_type=TYPES[scheme.activation], weight_type=TYPES[scheme.weight],
                    calibrate_method=CalibrationMethod.MinMax)
    model = onnx.load(out)
    out.unlink()
    return model


def step(model: onnx.ModelProto, output: str) -> float:
    """The scale of the DequantizeLinear that makes `output`: one quantum in the output's unit; 0 in a float model."""
    producer = next(node for node in model.graph.node if output in node.output)
    if producer.op_type != "DequantizeLinear":
        return 0.0
    scale = next(t for t in model.graph.initializer if t.name == producer.input[1])
    return float(numpy_helper.to_array(scale).max())
