"""How well frozen features carry over: few-shot logistic regression, exact LogME, rank correlations."""

import numpy as np
import torch

PENALTY = 10.0


def standardise(train, other):
    """Both [N, D] arrays shifted and scaled by the training columns' mean and deviation."""
    mean, std = train.mean(0), train.std(0)
    std = np.where(std < 1e-6, 1.0, std)
    return (train - mean) / std, (other - mean) / std


def fit_predict(x_train, y_train, x_test, classes, penalty=PENALTY):
    """Multinomial logistic regression on standardised features.

    Minimises the summed cross-entropy + penalty/2 |W|^2 (no penalty on the bias) with L-BFGS in float64,
    from zero. Returns the predicted class of each row of x_test.
    """
    x_train, x_test = standardise(np.asarray(x_train, np.float64), np.asarray(x_test, np.float64))
    x, y = torch.from_numpy(x_train), torch.from_numpy(y_train)
    w = torch.zeros(x.shape[1], classes, dtype=torch.float64, requires_grad=True)
    b = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([w, b], max_iter=300, tolerance_grad=1e-7, line_search_fn="strong_wolfe")

    def closure():
        solver.zero_grad()
        loss = torch.nn.functional.cross_entropy(x @ w + b, y, reduction="sum") + penalty / 2 * (w * w).sum()
        loss.backward()
        return loss

    solver.step(closure)
    with torch.no_grad():
        return (torch.from_numpy(x_test) @ w + b).argmax(1).numpy()


def cross_validate(x, y, classes, folds=5, seed=0):
    """Accuracy over stratified folds, 0..1."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(y), int)
    for c in range(classes):
        rows = np.flatnonzero(y == c)
        fold[rng.permutation(rows)] = np.arange(len(rows)) % folds
    hits = 0
    for k in range(folds):
        inside, outside = fold != k, fold == k
        hits += (fit_predict(x[inside], y[inside], x[outside], classes) == y[outside]).sum()
    return hits / len(y)


def _evidence(log_ratio, s, x, r0, n):
    """Log evidence [M] of one target at ln(alpha/beta) [M]; s, x [k]: squared singular values and projections."""
    q = 1 + s[None, :] / np.exp(log_ratio)[:, None]
    s2 = (r0 + (x[None, :] / q).sum(1)) / n
    return -0.5 * (n * np.log(2 * np.pi) + n + n * np.log(s2) + np.log(q).sum(1))


def _golden(f, a, b, tolerance=1e-12):
    """Largest value of f on [a, b] by golden-section search."""
    ratio = (np.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = f(c), f(d)
    while b - a > tolerance * max(1.0, abs(a) + abs(b)):
        if fc > fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = f(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = f(d)
    return max(fc, fd)


def logme(features, y, classes):
    """Exact LogME in nats per sample: mean over classes of the maximal evidence (no bias, raw features)."""
    f = np.asarray(features, np.float64)
    n = len(f)
    u, sing, _ = np.linalg.svd(f, full_matrices=False)
    keep = sing > sing[0] * max(f.shape) * np.finfo(float).eps
    u, s = u[:, keep], sing[keep] ** 2
    scores = []
    for c in range(classes):
        target = (y == c).astype(float)
        if not target.any():
            continue
        x = (u.T @ target) ** 2
        total = target.sum()
        r0 = max(total - x.sum(), 1e-12 * total)
        grid = np.linspace(np.log(1e-8 * s[0]), np.log(1e8 * s[0]), 129)
        values = _evidence(grid, s, x, r0, n)
        best = int(values.argmax())
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 128)]
        top = _golden(lambda v: float(_evidence(np.array([v]), s, x, r0, n)[0]), low, high)
        scores.append(max(top, values[best]) / n)
    return float(np.mean(scores))


def ranks(values):
    """Average ranks, 1 smallest."""
    values = np.asarray(values, float)
    return np.array([(values < v).sum() + ((values == v).sum() + 1) / 2 for v in values])


def spearman(a, b):
    """Rank correlation, -1..1."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def kendall(a, b):
    """Kendall's tau-b, -1..1."""
    sa = np.sign(np.subtract.outer(a, a))
    sb = np.sign(np.subtract.outer(b, b))
    return float((sa * sb).sum() / np.sqrt((sa**2).sum() * (sb**2).sum()))
