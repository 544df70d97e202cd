"""Where the scores and the feature vector are: the rule of docs/models.md, on the float graph."""

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
PASSED = ("Cast", "Clip", "Dropout", "Flatten", "GlobalAveragePool", "Identity", "LogSoftmax", "Relu", "Reshape",
          "Sigmoid", "Softmax", "Squeeze", "Transpose", "Unsqueeze", "AveragePool", "ReduceMean")
WITH_CONSTANT = ("Add", "BatchNormalization", "Div", "Mul", "Sub")


def scores(model) -> str | None:
    """The last output of shape [1, Z] or [1, Z, 1, 1], Z at least 2."""
    for value in reversed(model.graph.output):
        dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if dims[2:] in ([], [1, 1]) and len(dims) >= 2 and dims[0] == 1 and dims[1] >= 2:
            return value.name
    return None


def features(model, at: str) -> str | None:
    """The data input of the last layer before the tensor `at`; None where something unexpected lies between."""
    held = {tensor.name for tensor in model.graph.initializer}
    producer = {name: node for node in model.graph.node for name in node.output}
    while at in producer:
        node = producer[at]
        data = [name for name in node.input if name and name not in held]
        if node.op_type in LAYERS or node.op_type in PASSED:
            data = data[:1] if node.input[0] in data else []
        elif node.op_type not in WITH_CONSTANT or len(data) != 1:
            return None
        if not data:
            return None
        at = data[0]
        if node.op_type in LAYERS:
            return at if at in producer else None
    return None
