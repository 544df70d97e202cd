"""What a shipped file holds: multiply-accumulates and parameters, read from the ONNX graph itself."""

import math

import onnx

# Operator -> (input index of the weight, of the bias).
CONVOLUTIONS = {"Conv": (1, 2), "QLinearConv": (3, 8)}
PRODUCTS = {"Gemm": (1, 2), "QGemm": (3, 6)}


def _window(size, node) -> tuple:
    """Output (h, w) of a convolution or pool over an input of (h, w)."""
    a = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    kernel, strides = a["kernel_shape"], a.get("strides", [1, 1])
    pads = a.get("pads", [0, 0, 0, 0])
    return tuple((size[i] + pads[i] + pads[i + 2] - kernel[i]) // strides[i] + 1 for i in (0, 1))


def _constants(graph) -> dict:
    """Dimensions of every constant by name, those behind a DequantizeLinear included."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in shapes:
            shapes[node.output[0]] = shapes[node.input[0]]
    return shapes


def _out_size(node, size) -> tuple:
    """(h, w) of what `node` makes from an activation of (h, w); 1x1 once pooled."""
    if node.op_type in CONVOLUTIONS or node.op_type == "MaxPool":
        return _window(size, node)
    return (1, 1) if node.op_type.endswith("GlobalAveragePool") else size


def cost(path) -> dict:
    """{"macs", "params"} of one inference on a 32x32 image. Params are weights and biases, not scales."""
    graph = onnx.load(path).graph
    shapes = _constants(graph)
    sizes = {"image": (32, 32)}
    macs = params = 0
    for node in graph.node:
        known = [sizes[name] for name in node.input if name in sizes]
        if not known:
            continue
        out = _out_size(node, known[0])
        sizes.update({name: out for name in node.output})
        places = CONVOLUTIONS.get(node.op_type) or PRODUCTS.get(node.op_type)
        if places:
            weight, bias = (math.prod(shapes[node.input[at]]) for at in places)
            macs += weight * math.prod(out)
            params += weight + bias
    return {"macs": macs, "params": params}
