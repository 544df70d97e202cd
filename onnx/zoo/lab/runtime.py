"""ONNX Runtime sessions: one thread, optimised or not, and batch-of-one inference over many images."""

import numpy as np
import onnxruntime as ort

from .sources import normalise

OUTPUTS = ["features", "logits"]


def session(path, optimised=True) -> ort.InferenceSession:
    """A CPU session with all graph optimisations or none."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def infer(run: ort.InferenceSession, pixels: np.ndarray, norm: tuple):
    """uint8 NHWC [N, 32, 32, 3] to float32 features [N, D] and logits [N, Z]."""
    inputs = normalise(pixels, norm)
    pairs = [run.run(OUTPUTS, {"image": inputs[i:i + 1]}) for i in range(len(inputs))]
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def accuracy(path, pixels, y, norm) -> float:
    """Share of images whose largest logit is the label, 0..1."""
    return float((infer(session(path), pixels, norm)[1].argmax(1) == y).mean())
