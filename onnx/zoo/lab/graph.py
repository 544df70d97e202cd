"""What a shipped file holds: multiply-accumulates and parameters, read from the ONNX graph itself."""

import math

import onnx

CONVOLUTIONS = {"Conv": 1, "QLinearConv": 3}
PRODUCTS = {"Gemm": 1, "QGemm": 3}
WINDOWS = {"MaxPool"}


def _attributes(node) -> dict:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _window(size, node) -> tuple:
    """Output (h, w) of a convolution or pool over an input of (h, w)."""
    a = _attributes(node)
    kernel, strides = a["kernel_shape"], a.get("strides", [1, 1])
    pads = a.get("pads", [0, 0, 0, 0])
    return tuple((size[i] + pads[i] + pads[i + 2] - kernel[i]) // strides[i] + 1 for i in (0, 1))


def cost(path) -> dict:
    """{"macs", "params"} of one inference on a 32x32 image. Params are weights and biases, not scales."""
    graph = onnx.load(path).graph
    shapes = {t.name: tuple(t.dims) for t in graph.initializer}
    origin = {}
    size = {"image": (32, 32)}
    macs = params = 0
    for node in graph.node:
        known = [size[name] for name in node.input if name in size]
        if node.op_type == "DequantizeLinear" and node.input[0] in shapes:
            origin[node.output[0]] = node.input[0]
            continue
        out = known[0] if known else (1, 1)
        if node.op_type in CONVOLUTIONS or node.op_type in PRODUCTS:
            at = {**CONVOLUTIONS, **PRODUCTS}[node.op_type]
            weight = shapes[origin.get(node.input[at], node.input[at])]
            out = _window(out, node) if node.op_type in CONVOLUTIONS else (1, 1)
            macs += math.prod(weight) * math.prod(out)
            channels = weight[0] if node.op_type in CONVOLUTIONS else max(
                (math.prod(shapes[origin.get(n, n)]) for n in node.input[at + 1:] if len(shapes.get(origin.get(n, n), ())) == 1
                 and n), default=0)
            params += math.prod(weight) + channels
        elif node.op_type in WINDOWS:
            out = _window(out, node)
        elif node.op_type.endswith("GlobalAveragePool"):
            out = (1, 1)
        for name in node.output:
            size[name] = out
    return {"macs": macs, "params": params}
