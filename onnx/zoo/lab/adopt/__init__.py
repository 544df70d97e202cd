"""Bring your own: any ONNX or PyTorch file becomes a candidate, with calibrated int8, feature tap, sidecar, goldens."""
