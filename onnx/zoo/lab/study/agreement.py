"""How well a score orders candidates: weighted Kendall tau in both forms, and the accuracy its first choice costs."""

import numpy as np


def _tau(x: np.ndarray, y: np.ndarray, order: np.ndarray) -> float:
    """Additive hyperbolic weights by the place in `order` (best first); tied pairs count nothing."""
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    w = 1 / (1 + place)
    sx, sy = np.sign(x[:, None] - x), np.sign(y[:, None] - y)
    # Every pair weighs the sum of its two places' weights; sums over i and j are equal, so one side will do.
    spread = np.sqrt((w @ np.abs(sx)).sum() * (w @ np.abs(sy)).sum())
    return float((w @ (sx * sy)).sum() / spread) if spread > 0 else float("nan")


def _best_first(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Indices by x, then y, then index, all descending (SciPy's rule)."""
    return np.lexsort((np.arange(len(x)), y, x))[::-1]


def tau(truth: np.ndarray, score: np.ndarray) -> float:
    """Truth-ranked: places come from the truth alone."""
    return _tau(truth, score, _best_first(truth, score))


def tau_symmetric(truth: np.ndarray, score: np.ndarray) -> float:
    """Mean over places by truth and places by score."""
    return (tau(truth, score) + _tau(truth, score, _best_first(score, truth))) / 2


def regret(truth: np.ndarray, score: np.ndarray) -> float:
    """Accuracy of the best candidate minus that of the best-scored; of equal scores their mean."""
    return float(truth.max() - truth[score == score.max()].mean())


def best_in_top(truth: np.ndarray, score: np.ndarray, places: int = 3) -> float:
    """1 where a best candidate is among the first `places` by score (of equal scores those listed first)."""
    return float((truth[np.argsort(-score, kind="stable")[:places]] == truth.max()).any())
