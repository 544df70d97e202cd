"""The device's linear head for many fits at once: standardised features, logistic loss, penalty 0.05 |W|^2.

The same convex problem as `src/task/head` (features divided by the square root of their number, free bias),
solved by accelerated steps under the fixed curvature bound of Boehning (1992), so that all folds share one
factorisation and one loop.
"""

import numpy as np

PENALTY = 0.1
STEPS, FLAT = 150, 1e-4


def scaling(train: np.ndarray):
    """Mean and factor [D] by which the device standardises features."""
    mean, deviation = train.mean(0), train.std(0)
    flat = (deviation <= 1e-9 * np.abs(mean)) | (deviation == 0)
    return mean, np.where(flat, 0, 1 / np.where(flat, 1, deviation) / np.sqrt(train.shape[1]))


def standard(train: np.ndarray, other: np.ndarray):
    """Both standardised by the statistics of `train`."""
    mean, scale = scaling(train)
    return (train - mean) * scale, (other - mean) * scale


def solve(z: np.ndarray, target: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Weights [B, k + 1, C] (the last row is the bias) of B problems.

    z [B, n, k], one-hot target [B, n, C], mask [B, n] 1 for the samples that count.
    """
    z = np.concatenate([z, np.ones_like(z[..., :1])], -1) * mask[..., None]
    turned = z.transpose(0, 2, 1)
    ridge = np.full(z.shape[-1], PENALTY, z.dtype)
    ridge[-1] = 0
    curvature = 0.5 * turned @ z + np.diag(ridge + 1e-6)
    inverse = np.linalg.inv(curvature)
    count = mask.sum(1)[:, None, None]
    weights = ahead = np.zeros((*curvature.shape[:2], target.shape[-1]), z.dtype)
    momentum = 1.0
    for _ in range(STEPS):
        scores = z @ ahead
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        gradient = turned @ (scores / scores.sum(-1, keepdims=True) - target) + ridge[:, None] * ahead
        if np.abs(gradient / count).max() < FLAT:
            return ahead
        step = inverse @ gradient
        new = ahead - step
        moved = new - weights
        if (gradient * moved).sum() > 0:
            momentum = 1.0
        following = 0.5 + np.sqrt(0.25 + momentum * momentum)
        ahead = new + (momentum - 1) / following * moved
        weights, momentum = new, following
    return weights


def classify(weights: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Class of each row of z [n, k] by weights [k + 1, C]."""
    return (z @ weights[:-1] + weights[-1]).argmax(-1)


def linear(train: np.ndarray, y: np.ndarray, classes: int):
    """Weights [C, D] and bias [C] on the features themselves."""
    (mean, scale), z = scaling(train), standard(train, train)[0]
    solved = solve(z[None], np.eye(classes, dtype=z.dtype)[y][None], np.ones((1, len(y)), z.dtype))[0]
    weights = solved[:-1] * scale[:, None]
    return weights.T, solved[-1] - mean @ weights


def probe(train, y, test, y_test, classes: int) -> float:
    """Accuracy on `test` of a head fitted on `train`, 0..1."""
    z, other = standard(train, test)
    weights = solve(z[None], np.eye(classes, dtype=z.dtype)[y][None], np.ones((1, len(y)), z.dtype))[0]
    return float((classify(weights, other) == y_test).mean())


def folds_of(y: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """A fold for every sample; each class is dealt out evenly, one class after the other."""
    rng, fold, next_fold = np.random.default_rng(seed), np.empty(len(y), int), 0
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        fold[rows] = (next_fold + np.arange(len(rows))) % folds
        next_fold += len(rows)
    return fold


def cross_validated(features, y, classes: int, folds: int = 5, seed: int = 0) -> float:
    """Accuracy over stratified folds, 0..1; standardisation sees only the training folds."""
    fold = folds_of(y, folds, seed)
    masks = np.stack([fold != f for f in range(folds)]).astype(features.dtype)
    z = np.stack([standard(features[fold != f], features)[1] for f in range(folds)])
    onehot = np.eye(classes, dtype=features.dtype)[y]
    weights = solve(z, onehot[None] * masks[..., None], masks)
    told = np.stack([classify(w, each) for w, each in zip(weights, z)])
    return float((told[fold, np.arange(len(y))] == y).mean())
