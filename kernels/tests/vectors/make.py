#!/usr/bin/env python3
"""Writes onnxruntime.txt: what ONNX Runtime answers to random cases, one per line.

    operator signed key=value.. | input | input or - | output

Scales are the bits of an f32 in hexadecimal, codes are hexadecimal bytes with int8 shifted
by 128, reals are the bits of f32. Made with onnxruntime 1.31.1 on x86-64 with AVX2; run it
again with another version to see whether its rounding has changed:

    python kernels/tests/vectors/make.py
"""

import pathlib

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

TYPES = {
    np.dtype(np.uint8): TensorProto.UINT8,
    np.dtype(np.int8): TensorProto.INT8,
    np.dtype(np.float32): TensorProto.FLOAT,
}
random = np.random.default_rng(20)
lines = []


def answer(op, inputs, constants, order, output, domain="com.microsoft", **attributes):
    """Runs one operator; `order` names its inputs."""
    names = [name if name in inputs or name in constants else "" for name in order]
    node = helper.make_node(op, names, ["out"], domain=domain, **attributes)
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        op,
        [info(name, TYPES[value.dtype], value.shape) for name, value in inputs.items()],
        [info("out", TYPES[np.dtype(output)], None)],
        [numpy_helper.from_array(np.array(v), name) for name, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 8
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, inputs)[0]


def text(values):
    if values is None:
        return "-"
    if values.dtype == np.float32:
        values = values.view(np.uint32)
        return values.ravel().astype(">u4").tobytes().hex()
    if values.dtype == np.int8:
        values = (values.astype(np.int16) + 128).astype(np.uint8)
    return values.ravel().tobytes().hex()


def record(op, kind, keys, a, b, out):
    def value(v):
        return f"{np.float32(v).view(np.uint32):08x}" if isinstance(v, np.float32) else str(v)

    fields = " ".join(f"{name}={value(v)}" for name, v in keys.items())
    lines.append(f"{op} {int(kind == np.int8)} {fields} | {text(a)} | {text(b)} | {text(out)}")


def scale(low=0.005, high=0.1):
    return np.float32(random.uniform(low, high))


def codes(kind, *shape):
    limits = np.iinfo(kind)
    return random.integers(limits.min, limits.max + 1, shape).astype(kind)


def shifted(zero):
    return int(zero) + (128 if zero.dtype == np.int8 else 0)


def parameters(kind, names):
    zeros = {f"z{n}": codes(kind, 1)[0] for n in names}
    scales = {f"s{n}": scale() for n in names}
    return scales | zeros, scales | {name: shifted(zero) for name, zero in zeros.items()}


def binary(op, kind, a, b):
    """`a` and `b` without elements stand for the 64 pairs of codes nearest to a tie."""
    constants, keys = parameters(kind, "abc")
    size = constants["sa"] + constants["sb"]
    if op == "QLinearMul":
        size = 128 * constants["sa"] * constants["sb"]
    constants["sc"] = keys["sc"] = np.float32(size * random.uniform(0.4, 1))
    if not a.size and not b.size:
        a, b = near_ties(op, kind, constants)
    order = ["a", "sa", "za", "b", "sb", "zb", "sc", "zc"]
    out = answer(op, {"a": a, "b": b}, constants, order, kind)
    record(op, kind, keys, a, b, out)


def near_ties(op, kind, constants):
    every = np.arange(np.iinfo(kind).min, np.iinfo(kind).max + 1)
    a, b = (grid.ravel() for grid in np.meshgrid(every, every))
    c = {name: float(value) for name, value in constants.items()}
    left, right = (a - c["za"]) * c["sa"], (b - c["zb"]) * c["sb"]
    exact = (left * right if op == "QLinearMul" else left + right) / c["sc"] + c["zc"]
    inside = (exact > every[0]) & (exact < every[-1])
    distance = np.where(inside, abs(exact - np.floor(exact) - 0.5), 1)
    chosen = np.argsort(distance, kind="stable")[:64]
    return a[chosen].astype(kind), b[chosen].astype(kind)


def unary(op, kind, x, keys=None, **attributes):
    constants, own = parameters(kind, "xy")
    if op == "QLinearSoftmax":
        constants["sy"] = own["sy"] = scale(0.0035, 0.01)
    out = answer(op, {"x": x}, constants, ["x", "sx", "zx", "sy", "zy"], kind, **attributes)
    record(op, kind, own | (keys or {}), x, None, out)


def main():
    for case in range(80):
        kind = [np.uint8, np.int8][case % 2]
        binary("QLinearAdd", kind, codes(kind, 0), codes(kind, 0))
        binary("QLinearMul", kind, codes(kind, 0), codes(kind, 0))
        if case % 4 < 2:
            binary("QLinearAdd", kind, codes(kind, 1), codes(kind, 37))
            binary("QLinearAdd", kind, codes(kind, 37), codes(kind, 1))
            binary("QLinearMul", kind, codes(kind, 1), codes(kind, 37))
        side = int(random.integers(1, 8))
        image = {"pixels": side * side, "channels": 9}
        unary(
            "QLinearGlobalAveragePool", kind, codes(kind, 1, side, side, 9), image, channels_last=1
        )
        window, pad = int(random.integers(2, 4)), int(random.integers(0, 2))
        include = int(random.integers(0, 2))
        unary(
            "QLinearAveragePool",
            kind,
            codes(kind, 1, 5, 5, 3),
            {"window": window, "pad": pad, "include": include},
            channels_last=1,
            kernel_shape=[window] * 2,
            pads=[pad] * 4,
            count_include_pad=include,
        )
        row = int(random.integers(2, 40))
        unary("QLinearSoftmax", kind, codes(kind, 3, row), {"row": row}, axis=-1, opset=13)
        every = np.arange(np.iinfo(kind).min, np.iinfo(kind).max + 1).astype(kind)
        if case < 20:
            unary("QLinearSigmoid", kind, every)
            unary("QLinearLeakyRelu", kind, every, {"alpha": np.float32(0.1)}, alpha=0.1)
        reals = random.normal(0, 4, 40).astype(np.float32)
        constants = {"s": scale(), "z": codes(kind, 1)[0]}
        keys = {"s": constants["s"], "z": shifted(constants["z"])}
        if case % 2 == 0:
            reals[::3] = (np.round(reals[::3]) + np.float32(0.5)) * constants["s"]
        out = answer("QuantizeLinear", {"x": reals}, constants, ["x", "s", "z"], kind, domain="")
        record("QuantizeLinear", kind, keys, reals, None, out)
    reals = random.normal(0, 6, 300).astype(np.float32)
    out = answer("Sigmoid", {"x": reals}, {}, ["x"], np.float32, domain="")
    record("Sigmoid", np.uint8, {}, reals, None, out)
    out = answer("Softmax", {"x": reals}, {}, ["x"], np.float32, domain="")
    record("Softmax", np.uint8, {}, reals, None, out)
    target = pathlib.Path(__file__).with_name("onnxruntime.txt")
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
