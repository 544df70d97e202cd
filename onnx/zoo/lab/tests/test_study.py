"""The study's machinery without datasets: plan, tables that survive a stop, weights on disk, no leak in the fusion."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from lab import architectures, export, runtime
from lab.study import datasets, extractor, features, fitted, fusion, grid, methods, plan, plot, pretrain, tables, tokens
from lab.study.plan import Backbone

CLASSES = {"notmnist": 10, "letters": 40, "omniglot": 8, "signs": 10, "mnist": 10, "kannada": 10, "digmnist": 10,
           "cifar10": 10, "fsdd": 10, "meter": 10, "dogcat": 2, "smiles": 2}


def test_the_plan_is_as_broad_as_promised():
    assert len(plan.backbones()) >= 40 and len(plan.FAMILIES) >= 5 and len(plan.SOURCES) >= 8
    subsets = [task for name in plan.TARGETS for task in plan.tasks(name, CLASSES[name])[1:]]
    assert len(subsets) >= 150
    assert len({(task.dataset, task.classes) for task in subsets}) == len(subsets)
    assert all(2 <= len(task.classes) < CLASSES[task.dataset] for task in subsets)
    assert plan.tasks("mnist", 10) == plan.tasks("mnist", 10)


def test_a_table_goes_on_after_a_stop_and_packs_to_the_same_bytes(tmp_path):
    facts, store = tmp_path / "facts", tmp_path / "store"
    row = dict.fromkeys(tables.COLUMNS["probe"], "1")
    table = tables.Table("probe", facts, store)
    table.add([dict(row, backbone="b"), dict(row, backbone="a", accuracy="0.5")])
    with open(table.journal, "a") as file:
        file.write("c,1,1")
    again = tables.Table("probe", facts, store)
    assert ("a", "1", "1") in again and ("c", "1", "1") not in again and again.pack() == 2
    packed = again.packed.read_bytes()
    assert tables.Table("probe", facts, store).pack() == 2 and again.packed.read_bytes() == packed
    fresh = tables.Table("probe", facts, tmp_path / "another machine")
    assert fresh.rows[("a", "1", "1")]["accuracy"] == "0.5"


def test_weights_survive_the_disk_in_half_precision(tmp_path):
    net = architectures.build("dscnn", 7, 1)
    net(torch.rand(8, 3, 32, 32))
    backbone = Backbone("dscnn", "mnist")
    pretrain.save(net.eval(), pretrain.path_of(backbone, tmp_path))
    x = torch.rand(2, 3, 32, 32)
    again = pretrain.load(backbone, tmp_path)
    with torch.no_grad():
        assert torch.allclose(net(x)[1], again(x)[1], atol=0.02)


def test_batches_answer_like_single_images(tmp_path):
    path = tmp_path / "net.onnx"
    export.export(architectures.build("squeeze", 4, 1).eval(), path, 13)
    x = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
    norm = ((127.5,) * 3, (64.0,) * 3)
    one = runtime.infer(runtime.session(path), x, norm)
    features.onnx.save(features.any_batch(features.onnx.load(path)), path)
    for a, b in zip(one, features.infer(runtime.session(path), x, norm)):
        assert np.allclose(a, b, atol=1e-4)


def test_a_smaller_draw_is_part_of_a_larger():
    y = np.random.default_rng(0).integers(0, 5, 300)
    few, labels = datasets.few(y, (1, 4), 5)
    more, _ = datasets.few(y, (1, 4), 20)
    assert set(few) <= set(more) and (np.array([1, 4])[labels] == y[few]).all() and len(few) == 10


def invented(seed=0):
    """A study of 12 invented backbones on 5 datasets of 4 tasks; one score is the truth with noise."""
    rng = np.random.default_rng(seed)
    names = [f"f{i % 3}-s{i}" for i in range(12)]
    sets = np.repeat([f"d{i}" for i in range(5)], 4)
    quality = rng.normal(0, 1, 12)
    truth = 0.7 + 0.05 * (quality + rng.normal(0, 1, (20, 12)))
    scores = {"logme": truth + rng.normal(0, 0.05, truth.shape), "hscore-shrunk": rng.normal(0, 1, truth.shape),
              "nce": rng.normal(0, 1, truth.shape)}
    found = grid.Grid(names, [f"{d}/{i:02}" for i, d in enumerate(sets)], sets, truth, scores, np.full(20, 100))
    return fusion.Study(found, {n: n for n in names}, {n: n[:2] for n in names})


def test_nothing_is_learnt_from_the_dataset_that_is_held_out():
    study, other = invented(), invented()
    rows = other.of["d2"]
    changed = grid.Grid(**{**vars(other.grid), "truth": other.grid.truth.copy()})
    changed.truth[rows] = changed.truth[rows][:, ::-1]
    spoilt = fusion.Study(changed, {n: n for n in changed.backbones}, {n: n[:2] for n in changed.backbones})
    (one, a), (two, b) = study.fuse("d2"), spoilt.fuse("d2")
    assert one == two and all(np.allclose(a[t], b[t]) for t in rows)
    assert not np.allclose(study.prior(frozenset({"d1"})), spoilt.prior(frozenset({"d1"})))


def test_the_fusion_beats_its_parts_where_they_complement_each_other():
    study = invented()
    nested, _, _ = methods.fused(study)
    prior = methods.measured("prior", study, methods.static(study, study.prior(frozenset())))
    noise = next(r for r in methods.singles(study) if r.name == "hscore-shrunk")
    assert nested.tau.mean() > noise.tau.mean() + 0.2 and nested.tau.mean() > prior.tau.mean() - 0.3


def test_a_bootstrap_of_equal_differences_has_no_width():
    assert methods.bootstrap(np.full(6, 0.1)) == pytest.approx((0.1, 0.1))


def test_the_plot_is_a_picture_of_every_method():
    study = invented()
    nested, _, each = methods.fused(study)
    picture = plot.bars([*each, nested], nested)
    bars = ElementTree.fromstring(picture).findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == len(each) + 2


def test_the_committed_weights_are_those_of_the_facts():
    assert fitted.TABLE.read_text() == fitted.table(methods.study_of("int8", 20))


def test_a_fitted_value_is_that_of_the_agents_test():
    """src/rank/relevance/fitted.rs has the same candidates, two sources of two families, and expects these values."""
    names = ["f-a", "g-a", "f-b", "g-b"]
    scores = {"logme": [-0.5, -0.9, -0.2, -0.7], "hscore-shrunk": [1.5, 0.4, 2.2, 1.9], "nce": [-1.2, -1.9, -0.8, -1.1]}
    found = grid.Grid(names, ["d/00"], np.array(["d"]), np.ones((1, 4)),
                      {name: np.array([values]) for name, values in scores.items()}, np.array([100]))
    study = fusion.Study(found, {n: n[2:] for n in names}, {n: n[0] for n in names})
    weights = np.array([0.4271, -0.0684, 0.1430, 0.1382, 0.2181, -0.0542, 0.1532, 0.1218, 0.0898, 0.2049, -0.1359,
                        -0.0669])
    value = fitted.by(study, fitted.SHIPPED[0], 0, np.arange(4), np.array([0.3, -1.2, 0.9, 0.1]), weights)
    assert np.allclose(value, [0.16433094, -1.49214231, 1.22268835, 0.10512302], atol=1e-7)


def test_prototypes_are_means_of_unit_features_and_find_their_class():
    f = np.array([[3.0, 0], [0, 0.1], [0, 2.0], [0, 0]])
    found = extractor.prototypes(f, np.array([0, 0, 1, 1]), 2)
    assert np.allclose(found, [[0.5, 0.5], [0, 0.5]])
    assert extractor.nearest(np.eye(2), np.array([[5.0, 1], [1, 5], [1, 5]]), np.array([0, 1, 0])) == 2 / 3


def test_the_tokens_are_of_the_shipped_extractor_and_of_every_task():
    with np.load(tokens.FILE) as npz:
        assert npz["extractor"].tobytes().hex() in tokens.MODEL.with_suffix(".toml").read_text()
        keys = {row["task"] for row in tables.rows("probe").values()}
        assert keys == set(npz.files) - {"extractor"}
        assert all(npz[key].dtype == np.float16 and npz[key].shape[1] == 128 for key in keys)
        assert (np.linalg.norm(npz["mnist/00"].astype(float), axis=1) <= 1.001).all()
