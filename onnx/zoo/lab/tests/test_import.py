"""`import` on small files made here: what it takes, what it refuses, and that its sidecar is true."""

import tomllib

import numpy as np
import onnx
import pytest
import torch

from lab import architectures, cli, goldens
from lab.adopt import candidate, images, read, tap


def network():
    """A small classifier whose answers spread: 3x32x32 in, logits of 5 classes out."""
    net = architectures.build("cnn-small", 5, 3).eval()
    with torch.no_grad():
        net.head.weight.mul_(20)

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, image):
            return torch.softmax(self.net(image)[1], 1)

    return Logits().eval()


def as_onnx(folder, opset=13):
    """The network as a float ONNX file."""
    path = folder / "net.onnx"
    torch.onnx.export(network(), torch.zeros(1, 3, 32, 32), str(path), opset_version=opset, dynamo=False,
                      input_names=["image"], output_names=["probs"], dynamic_axes={"image": {0: "n"}})
    return path


def as_script(folder):
    """The network as TorchScript."""
    path = folder / "net.pt"
    torch.jit.trace(network(), torch.zeros(1, 3, 32, 32)).save(str(path))
    return path


def as_program(folder):
    """The network as a torch.export file."""
    path = folder / "net.pt2"
    torch.export.save(torch.export.export(network(), (torch.zeros(1, 3, 32, 32),)), str(path))
    return path


@pytest.mark.parametrize("make, scheme", [(as_onnx, "qdq"), (as_onnx, "qop"), (as_script, "qdq"), (as_program, "qdq")])
def test_every_kind_of_file_becomes_a_candidate(tmp_path, make, scheme):
    made = candidate.adopt(make(tmp_path), tmp_path / "zoo", "mine", scheme=scheme, norm="pm1",
                           shape=(1, 3, 32, 32), labels=tuple("abcde"))
    assert made.closeness["same_class"] >= 0.9 and made.closeness["features"] < 0.1
    card = tomllib.loads(made.model.with_suffix(".toml").read_text())
    assert card["outputs"] == {"features": made.features, "scores": made.scores}
    assert card["preprocess"] == {"layout": "nchw", "channels": 3, "height": 32, "width": 32,
                                  "mean": [127.5] * 3, "std": [127.5] * 3}
    assert len(card["golden"][0]["features"]) == 32 and len(card["golden"][0]["logits"]) == 5
    operators = {node.op_type for node in onnx.load(made.model).graph.node}
    assert ("QLinearConv" in operators) == (scheme == "qop") and "Softmax" in operators


def test_goldens_are_what_the_model_answers(tmp_path):
    made = candidate.adopt(as_onnx(tmp_path), tmp_path, "mine", norm="raw")
    reading = images.reading((1, 3, 32, 32), "raw")
    for golden in tomllib.loads(made.model.with_suffix(".toml").read_text())["golden"]:
        inputs = reading.tensor(goldens.pixels(golden["seed"]))
        features = candidate.answers(made.model, inputs, [made.features])[0][0]
        assert np.abs(features - golden["features"]).max() <= golden["tolerance"]
        assert golden["tolerance"] < 0.2 * np.ptp(features)


def test_images_of_another_size_calibrate(tmp_path):
    given = tmp_path / "some.npz"
    np.savez(given, x=np.random.default_rng(1).integers(0, 256, (40, 28, 28, 1), dtype=np.uint8))
    made = candidate.adopt(as_onnx(tmp_path), tmp_path, "mine", calibration=given)
    assert made.closeness["inputs"] == 40 and made.notes == []


def test_weights_stored_in_eight_bits_are_float_again(tmp_path):
    model = onnx.load(as_onnx(tmp_path))
    weight = next(t for t in model.graph.initializer if len(t.dims) == 4)
    values = onnx.numpy_helper.to_array(weight)
    scale = np.abs(values).max((1, 2, 3)) / 127
    stored = np.round(values / scale[:, None, None, None]).astype(np.int8)
    model.graph.initializer.extend([
        onnx.numpy_helper.from_array(stored, "w8"), onnx.numpy_helper.from_array(scale, "s"),
        onnx.numpy_helper.from_array(np.zeros(len(scale), np.int8), "z")])
    name = weight.name
    model.graph.initializer.remove(weight)
    model.graph.node.insert(0, onnx.helper.make_node("DequantizeLinear", ["w8", "s", "z"], [name], axis=0))
    path = tmp_path / "stored.onnx"
    onnx.save(model, path)
    read_back = {t.name: t for t in read.load(path, tmp_path).graph.initializer}
    assert "w8" not in read_back
    assert np.abs(onnx.numpy_helper.to_array(read_back[name]) - values).max() <= scale.max() * 0.51


def test_a_branch_before_the_scores_has_no_tap():
    node = onnx.helper.make_node
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph([node("Relu", ["x"], ["a"]), node("Add", ["x", "a"], ["y"])], "g",
                                   [info("x", 1, [1, 4])], [info("y", 1, [1, 4])])
    model = onnx.helper.make_model(graph)
    assert tap.scores(model) == "y" and tap.features(model, "y") is None


def bad_files(folder):
    """(file, options, what the message must say)."""
    noise, weights = folder / "noise.onnx", folder / "weights.pt"
    noise.write_bytes(b"\x00\xff not a model")
    torch.save(network().state_dict(), weights)
    quantised = candidate.adopt(as_onnx(folder), folder, "done").model
    return [(noise, {}, "no valid ONNX"), (weights, {"shape": (1, 3, 32, 32)}, "no TorchScript"),
            (as_script(folder), {}, "--shape"), (quantised, {}, "quantised already"),
            (folder / "absent.onnx", {}, "is no file"), (as_onnx(folder), {"labels": ("a",)}, "1 labels for 5"),
            (as_onnx(folder), {"norm": "half"}, "--norm"), (as_onnx(folder), {"calibration": noise}, "as .npz")]


def test_bad_files_are_refused_with_a_reason_and_nothing_is_written(tmp_path):
    for path, options, expected in bad_files(tmp_path):
        with pytest.raises(read.Unfit, match=expected):
            candidate.adopt(path, tmp_path / "zoo", "mine", **options)
    assert not (tmp_path / "zoo").exists()


def test_the_verb_says_why_and_fails(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["lab", "import", str(tmp_path / "absent.onnx")])
    assert cli.main() == 1
    assert capsys.readouterr().err.startswith("import: ")
