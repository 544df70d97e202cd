"""Transferability scores in numpy: a second implementation beside `src/rank/relevance`, held to the same vectors.

Features F [N, D] float64, labels y int [N] without gaps, source probabilities P [N, Z]. Higher is better.
A score that is undefined is None. N-LEEP and `head` draw at random (fixed seed), and in another way than the device:
on 200 images their values differ by some hundredths, on 40 by up to 0.2. All others agree to rounding.
"""

import numpy as np
import torch

from .heads import cross_validated

GRID = 129
FLOOR = 1e-6


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows that sum to 1."""
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def onehot(y: np.ndarray) -> np.ndarray:
    """[N, C] of 0 and 1."""
    return np.eye(y.max() + 1)[y]


def _evidence(log_ratio, s, x, r0, n):
    """Log evidence [C, M] at ln(alpha / beta) [C, M]; s [k], x [C, k], r0 [C]."""
    q = 1 + s / np.exp(log_ratio)[..., None]
    spread = (r0[:, None] + (x[:, None] / q).sum(-1)) / n
    return -0.5 * (n * np.log(2 * np.pi) + n + n * np.log(spread) + np.log(q).sum(-1))


def logme(f, y) -> float:
    """Exact LogME: the one-dimensional maximum by three ever finer grids for all classes at once."""
    n, target = len(y), onehot(y)
    u, sing, _ = np.linalg.svd(f, full_matrices=False)
    keep = sing > sing[0] * max(f.shape) * np.finfo(float).eps
    u, s, total = u[:, keep], sing[keep] ** 2, target.sum(0)
    if not keep.any():
        return float(np.mean(-0.5 * (np.log(2 * np.pi) + 1 + np.log(total / n))))
    x = (u.T @ target).T ** 2
    r0 = np.maximum(total - x.sum(1), 1e-12 * total)
    low, high = (np.full(len(total), np.log(bound * s[0])) for bound in (1e-8, 1e8))
    rows, best = np.arange(len(total)), np.full(len(total), -np.inf)
    for _ in range(4):
        grid = np.linspace(low, high, GRID, axis=1)
        values = _evidence(grid, s, x, r0, n)
        top = values.argmax(1)
        best = np.maximum(best, values[rows, top])
        low, high = grid[rows, np.maximum(top - 1, 0)], grid[rows, np.minimum(top + 1, GRID - 1)]
    return float((best / n).mean())


def _class_means(f, y):
    """Counts [C] and means [C, D] by class."""
    target = onehot(y)
    count = target.sum(0)
    return count, target.T @ f / count[:, None]


def hscore(f, y) -> float:
    """Share of the class means within the features' column space."""
    u, sing, _ = np.linalg.svd(f - f.mean(0), full_matrices=False)
    u = u[:, sing > sing[0] * max(f.shape) * np.finfo(float).eps]
    count, mean = _class_means(u, y)
    return float((count[:, None] * mean**2).sum())


def hscore_shrunk(f, y) -> float:
    """H-score with the covariance of Ledoit and Wolf."""
    x = f - f.mean(0)
    n, d = x.shape
    s = x.T @ x / n
    mu = np.trace(s) / d
    apart = ((s - mu * np.eye(d)) ** 2).sum() / d
    noise = (((x**2).sum(1) ** 2).sum() - n * (s**2).sum()) / (n * n * d)
    if apart <= 0:
        return 0.0
    a = min(noise, apart) / apart
    count, mean = _class_means(x, y)
    between = (mean * count[:, None] / n).T @ mean
    return float((1 - a) * np.trace(np.linalg.solve((1 - a) * s + a * mu * np.eye(d), between)))


def lfc(f, y) -> float:
    """Correlation of the features' Gram matrix with "same class" (+1, -1), over all ordered pairs."""
    n, total = len(y), f.sum(0)
    count, mean = _class_means(f, y)
    pairs, same = (count**2).sum(), total @ total
    along = 2 * ((count**2) * (mean**2).sum(1)).sum() - same
    balance = (2 * pairs - n * n) / n**2
    product = along - same * balance
    spread = ((f.T @ f) ** 2).sum() - same**2 / n**2
    return float(product / np.sqrt(spread * n**2 * (1 - balance**2)))


def gbc(f, y) -> float:
    """Minus the summed overlap of the classes as diagonal Gaussians."""
    count, mean = _class_means(f, y)
    variance = np.stack([((f[y == c] - mean[c]) ** 2).mean(0) for c in range(len(count))]) + FLOOR
    middle = (variance[:, None] + variance[None]) / 2
    logs = np.log(variance)
    distance = ((mean[:, None] - mean[None]) ** 2 / (8 * middle)).sum(-1)
    distance += 0.5 * (np.log(middle) - 0.5 * (logs[:, None] + logs[None])).sum(-1)
    overlap = np.exp(-distance)
    return float(np.trace(overlap) - overlap.sum())


def leep(p, y) -> float:
    """Log expected empirical prediction."""
    joint = onehot(y).T @ p
    total = joint.sum(0)
    given = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return float(min(np.log((p * given[y]).sum(1)).mean(), 0.0))


def nce(p, y) -> float:
    """Minus the conditional entropy of the label given the most probable source class."""
    counts = onehot(y).T @ np.eye(p.shape[1])[p.argmax(1)]
    share = np.divide(counts, counts.sum(0), out=np.ones_like(counts), where=counts > 0)
    return float((counts * np.log(share)).sum() / len(y))


def pactran(p, y, prior=1.0) -> float:
    """PACTran-Dirichlet: minus the free energy per sample and class, ten sweeps."""
    target, n = onehot(y), len(y)
    start = prior * target.mean(0)
    q = p
    for _ in range(10):
        posterior = torch.from_numpy(target.T @ q + start[:, None])
        drawn = (torch.digamma(posterior) - torch.digamma(posterior.sum(0))).numpy()
        with np.errstate(divide="ignore"):
            q = softmax(np.log(p) + drawn[y])

    def ln_beta(a):
        return torch.lgamma(a).sum(0) - torch.lgamma(a.sum(0))

    gain = float((ln_beta(posterior) - ln_beta(torch.from_numpy(start))).sum())
    divergence = float((q[q > 0] * np.log(q[q > 0] / p[q > 0])).sum())
    return (gain - divergence) / (n * target.shape[1])


def _components(f):
    """Leading principal components with 80 % of the variance, the first with variance 1."""
    x = f - f.mean(0)
    u, sing, _ = np.linalg.svd(x, full_matrices=False)
    share = np.cumsum(sing**2) / (sing**2).sum()
    kept = int(np.searchsorted(share, 0.8)) + 1
    return u[:, :kept] * sing[:kept] * (np.sqrt(len(f)) / sing[0])


def _seeded_parts(x, parts, rng):
    """Each point wholly in the nearest of k-means++ centres."""
    centre, nearest = int(rng.integers(len(x))), np.full(len(x), np.inf)
    owner = np.zeros(len(x), int)
    for part in range(parts):
        distance = ((x - x[centre]) ** 2).sum(1)
        owner[distance < nearest] = part
        nearest = np.minimum(nearest, distance)
        total = nearest.sum()
        centre = int(rng.choice(len(x), p=nearest / total)) if total > 0 else int(rng.integers(len(x)))
    return np.eye(parts)[owner]


def nleep(f, y, seed=0):
    """LEEP on the parts of a diagonal Gaussian mixture of the features."""
    n, classes = len(y), y.max() + 1
    parts = max(min(classes, n // 5), n // 10)
    if parts < 2:
        return None
    x = _components(f)
    shares, before = _seeded_parts(x, parts, np.random.default_rng(seed)), -np.inf
    for _ in range(100):
        total = shares.sum(0) + 10 * np.finfo(float).eps
        mean = shares.T @ x / total[:, None]
        variance = np.maximum(shares.T @ x**2 / total[:, None] - mean**2, 0) + FLOOR
        log = np.log(total / n) - 0.5 * (np.log(2 * np.pi * variance) + mean**2 / variance).sum(1)
        log = log - 0.5 * x**2 @ (1 / variance).T + x @ (mean / variance).T
        top = log.max(1, keepdims=True)
        shares = np.exp(log - top)
        sums = shares.sum(1, keepdims=True)
        shares /= sums
        likelihood = float((top + np.log(sums)).mean())
        if likelihood - before < 1e-6:
            break
        before = likelihood
    return leep(shares, y)


def knn(f, y) -> float:
    """Share of samples whose nearest other sample has their label."""
    square = (f**2).sum(1)
    distance = square[:, None] + square - 2 * f @ f.T
    np.fill_diagonal(distance, np.inf)
    return float((y[distance.argmin(1)] == y).mean())


def energy(f) -> float:
    """Mean log-sum-exp of the features; takes no labels."""
    top = f.max(1)
    return float((top + np.log(np.exp(f - top[:, None]).sum(1))).mean())


def head(f, y) -> float:
    """Cross-validated accuracy of a linear head."""
    return cross_validated(f, y, int(y.max()) + 1)


METRICS = ("logme", "hscore", "hscore-shrunk", "lfc", "gbc", "nleep", "knn", "head", "energy", "leep", "nce",
           "pactran")


def scores(features, logits, y) -> dict:
    """{metric: value or None} of one backbone's features and source logits on labelled samples."""
    f, p = np.asarray(features, np.float64), softmax(np.asarray(logits, np.float64))
    found = {"logme": logme(f, y), "hscore": hscore(f, y), "hscore-shrunk": hscore_shrunk(f, y), "lfc": lfc(f, y),
             "gbc": gbc(f, y), "nleep": nleep(f, y), "knn": knn(f, y), "head": head(f, y), "energy": energy(f),
             "leep": leep(p, y), "nce": nce(p, y), "pactran": pactran(p, y)}
    return {name: value if value is not None and np.isfinite(value) else None for name, value in found.items()}
