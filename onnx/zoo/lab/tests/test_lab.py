"""The lab's own tests: quick, no training, no datasets."""

import numpy as np
import onnx
import pytest
import torch

from lab import architectures, augment, catalogue, check, export, goldens, graph, paths, quantise, runtime
from lab import sidecar, sources, transfer
from lab.meter import drum, task

FEATURES = np.array([[1, 0], [1, 1], [0, 1], [0.5, 2]])
SHIPPED = sidecar.all_in(paths.ZOO)


def test_splitmix_is_the_published_one():
    # First outputs for seed 0: e220a8397b1dcdaf, 6e789e6aa1b965f4, 06c45d188009454f.
    assert goldens.pixels(0).ravel()[:3].tolist() == [0xE2, 0x6E, 0x06]


@pytest.mark.parametrize("features, expected", [
    (FEATURES, -0.818451), ([[1, 0], [1, 1], [0, 1], [0, 2]], 1.119192)])
def test_logme_matches_worked_examples(features, expected):
    assert transfer.logme(np.array(features), np.array([0, 0, 1, 1]), 2) == pytest.approx(expected, abs=1e-5)


def test_logme_ignores_scale():
    y = np.array([0, 0, 1, 1])
    assert transfer.logme(FEATURES * 1e4, y, 2) == pytest.approx(transfer.logme(FEATURES, y, 2), abs=1e-9)


def test_head_separates_what_is_separable():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = np.eye(3)[y] * 4 + rng.normal(0, 0.3, (60, 3))
    assert (transfer.fit_predict(x, y, x, 3) == y).all()
    assert transfer.cross_validate(x, y, 3) > 0.95


def test_rank_correlations():
    assert transfer.spearman([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert transfer.kendall([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(2 / 3)


def test_a_seed_is_an_image():
    first, labels = drum.batch(drum.DIGITS, 20, 5)
    again, _ = drum.batch(drum.DIGITS, 20, 5)
    assert (first == again).all() and first.shape == (20, 32, 32, 3) and first.dtype == np.uint8
    assert np.bincount(labels, minlength=10).tolist() == [2] * 10


def test_digits_and_letters_share_no_face():
    assert not set(drum.DIGITS.faces) & set(drum.LETTERS.faces)


def test_task_survives_the_disk(tmp_path):
    task.write(tmp_path, per_class=2, test=20)
    samples = task.read(tmp_path)
    x, y = drum.batch(drum.DIGITS, 20, task.TRAIN_SEED)
    assert (samples.x_train[:2] == x[y == 0]).all()
    assert samples.x_test.shape == (20, 32, 32, 3) and samples.labels == tuple("0123456789")


@pytest.mark.parametrize("kind", sorted(augment.STRENGTH))
def test_augmentation_keeps_shape_and_range(kind):
    x = torch.rand(4, 3, 32, 32) * 255
    g = torch.Generator().manual_seed(1)
    out = augment.augment(x, kind, g)
    assert out.shape == x.shape and out.min() >= 0 and out.max() <= 255


@pytest.mark.parametrize("family", sorted(architectures.FAMILIES))
def test_families_obey_the_contract(family):
    net = architectures.build(family, 7, 1).eval()
    features, logits = net(torch.zeros(2, 3, 32, 32))
    assert 32 <= features.shape[1] <= 128 and features.min() >= 0 and logits.shape == (2, 7)


@pytest.mark.parametrize("scheme", sorted(catalogue.SCHEMES))
def test_every_scheme_stays_close_to_float(tmp_path, scheme):
    """Also pins the cost reader: an int8 file counts what its float file counts."""
    net = architectures.build("squeeze", 5, 3).eval()
    path = tmp_path / "float.onnx"
    export.export(net, path, 13)
    x, _ = drum.batch(drum.LETTERS, 40, 1)
    model = quantise.quantise(path, catalogue.SCHEMES[scheme], sources.normalise(x, sources.GLYPH_NORM))
    small = tmp_path / "int8.onnx"
    export.save(model, small, "test")
    a = runtime.infer(runtime.session(path), x, sources.GLYPH_NORM)
    b = runtime.infer(runtime.session(small), x, sources.GLYPH_NORM)
    for float_out, int8_out in zip(a, b):
        assert np.abs(float_out - int8_out).max() <= 0.2 * np.ptp(float_out)
    assert graph.cost(path) == graph.cost(small)
    assert quantise.step(onnx.load(small), "features") > 0 and quantise.step(onnx.load(small), "logits") > 0


def test_ids_are_unique():
    ids = [model_id for member in catalogue.MEMBERS for model_id, _ in member.ids()]
    assert len(ids) == len(set(ids))


@pytest.mark.skipif(not SHIPPED, reason="no models here")
def test_a_changed_byte_is_noticed(tmp_path):
    path, card = SHIPPED[0]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    other = tmp_path / path.name
    other.write_bytes(data)
    assert sidecar.sha256(other) != card["sha256"]
    assert check.faults(path, card) == []
