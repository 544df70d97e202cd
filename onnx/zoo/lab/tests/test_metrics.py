"""The second implementation of the scores against the published vectors in tests/vectors."""

import json

import numpy as np
import pytest

from lab import paths, transfer
from lab.study import agreement, heads, metrics

VECTORS = paths.REPO / "tests" / "vectors"


def cases(name, needs):
    """The cases of one vector file that expect a value."""
    found = json.loads((VECTORS / f"{name}.json").read_text())["cases"]
    return [case for case in found if case.get(needs) is not None and len(set(case.get("labels", []))) > 1]


def numbered(labels):
    """Labels without gaps."""
    return np.unique(labels, return_inverse=True)[1]


@pytest.mark.parametrize("case", cases("leep", "expected_leep"), ids=lambda case: case["id"])
def test_leep(case):
    probs = np.array(case["probs"]) if "probs" in case else metrics.softmax(np.array(case["logits"]))
    assert metrics.leep(probs, numbered(case["labels"])) == pytest.approx(case["expected_leep"], abs=1e-10)


@pytest.mark.parametrize("case", cases("nce", "expected_nce"), ids=lambda case: case["id"])
def test_nce(case):
    source = np.eye(max(case["source"]) + 1)[case["source"]]
    assert metrics.nce(source, numbered(case["labels"])) == pytest.approx(case["expected_nce"], abs=1e-12)


@pytest.mark.parametrize("case", cases("hscore_lfc_gbc", "lfc"), ids=lambda case: case["id"])
def test_class_means(case):
    f, y = np.array(case["features"]), numbered(case["labels"])
    assert metrics.hscore(f, y) == pytest.approx(case["expected_hscore"], abs=1e-8)
    assert metrics.hscore_shrunk(f, y) == pytest.approx(case["expected_hscore_ledoit_wolf"], abs=1e-8)
    assert metrics.lfc(f, y) == pytest.approx(case["lfc"], abs=1e-8)
    assert metrics.gbc(f, y) == pytest.approx(case["gbc_diag_floor_1e-6"], abs=1e-8)


@pytest.mark.parametrize("case", cases("logme", "expected_logme"), ids=lambda case: case["id"])
def test_logme(case):
    f = np.array(case["features"], float)
    assert metrics.logme(f, numbered(case["labels"])) == pytest.approx(case["expected_logme"], abs=5e-6)


def blobs(spread, seed=0):
    """Four classes of 30 samples in 12 dimensions."""
    rng = np.random.default_rng(seed)
    y = np.arange(120) % 4
    return np.abs(rng.normal(0, spread, (120, 12)) + 2 * np.eye(12)[y]), y


def test_the_head_is_the_optimum():
    """The penalised loss at the solution is that of an independent solver to four digits."""
    x, y = blobs(1.0)
    z, _ = heads.standard(x, x)
    ours = heads.solve(z[None], np.eye(4)[y][None], np.ones((1, len(y))))[0]
    told = transfer.fit_predict(x, y, x, 4, penalty=heads.PENALTY * 12)
    assert (heads.classify(ours, z) == told).mean() > 0.98


@pytest.mark.parametrize("name", [m for m in metrics.METRICS if m not in ("energy", "leep", "nce", "pactran")])
def test_tighter_classes_score_higher(name):
    tight, y = blobs(0.5)
    loose, _ = blobs(1.5)
    logits = np.zeros((len(y), 3))
    assert metrics.scores(tight, logits, y)[name] > metrics.scores(loose, logits, y)[name]


def test_a_head_that_knows_the_classes_scores_higher():
    rng = np.random.default_rng(1)
    y = np.arange(60) % 3
    guess, know = rng.normal(0, 1, (60, 3)), 4 * np.eye(3)[y] + rng.normal(0, 1, (60, 3))
    for name in ("leep", "nce", "pactran"):
        f = np.abs(guess)
        assert metrics.scores(f, know, y)[name] > metrics.scores(f, guess, y)[name]


@pytest.mark.parametrize("case", [c for c in json.loads((VECTORS / "weighted_tau.json").read_text())["cases"]
                                  if c["tau_truth_ranked"] is not None and len(c["truth"]) > 1],
                         ids=lambda case: case["id"])
def test_weighted_tau(case):
    truth, score = np.array(case["truth"], float), np.array(case["score"], float)
    assert agreement.tau(truth, score) == pytest.approx(case["tau_truth_ranked"], abs=1e-10)
    assert agreement.tau_symmetric(truth, score) == pytest.approx(case["tau_symmetric"], abs=1e-10)


def test_regret_is_the_accuracy_lost():
    assert agreement.regret(np.array([0.9, 0.7, 0.8]), np.array([1, 2, 0])) == pytest.approx(0.2)
    assert agreement.regret(np.array([0.9, 0.7, 0.8]), np.array([2, 2, 0])) == pytest.approx(0.1)


def test_the_best_counts_among_the_first_three():
    truth = np.array([0.9, 0.1, 0.2, 0.3])
    assert agreement.best_in_top(truth, np.array([2, 3, 4, 1])) == 1
    assert agreement.best_in_top(truth, np.array([1, 3, 4, 2])) == 0
