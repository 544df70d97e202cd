"""Golden inputs and outputs: seeded noise that any language can make again, and what onnxruntime answers."""

import numpy as np
import onnx

from . import quantise, runtime
from .sources import normalise

SEEDS = (1, 2)
MASK = (1 << 64) - 1
FLOAT_SLACK = 1e-4


def pixels(seed: int, height=32, width=32, channels=3) -> np.ndarray:
    """uint8 [1, height, width, channels]: the top bytes of SplitMix64(seed), in HWC order."""
    state, out = seed, bytearray()
    for _ in range(height * width * channels):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        out.append((z ^ (z >> 31)) >> 56)
    return np.frombuffer(bytes(out), np.uint8).reshape(1, height, width, channels)


def quantum(model, name, peak: float) -> float:
    """What one rounding may move output `name`: its step, two steps in a QOperator model, a sliver in a float one.

    Both runs of a QOperator model use the same integer kernels and so show no spread; the second step stands for it.
    """
    step = quantise.step(model, name)
    if not step:
        return FLOAT_SLACK * peak
    integer = any(node.op_type == "QLinearConv" for node in model.graph.node)
    return 2 * step if integer else step


def tolerance(model, fused, plain) -> float:
    """Spread between optimised and plain execution plus one quantum, the larger of the two outputs."""
    top = max(float(np.abs(a - b).max()) + quantum(model, name, float(np.abs(a).max()))
              for name, a, b in zip(runtime.OUTPUTS, fused, plain))
    # Rounded up at the third digit, so that printing does not tighten it.
    unit = 10.0 ** (np.floor(np.log10(top)) - 2)
    return float(np.ceil(top / unit) * unit)


def goldens(path, norm) -> list:
    """For each seed a dict: seed, tolerance, logits [Z], features [D]."""
    model = onnx.load(path)
    rows = []
    for seed in SEEDS:
        image = pixels(seed)
        fused = runtime.infer(runtime.session(path), image, norm)
        plain = runtime.infer(runtime.session(path, optimised=False), image, norm)
        rows.append({"seed": seed, "tolerance": tolerance(model, fused, plain),
                     "logits": fused[1][0].tolist(), "features": fused[0][0].tolist()})
    return rows


def worst(path, golden, norm) -> float:
    """Largest absolute difference between onnxruntime now and the recorded golden."""
    answer = runtime.infer(runtime.session(path), pixels(golden["seed"]), norm)
    return max(float(np.abs(a[0] - np.array(golden[name])).max()) for name, a in zip(runtime.OUTPUTS, answer))
