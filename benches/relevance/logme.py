"""Exact LogME with LAPACK: `python3 logme.py FILE N D C` prints the score, CPU seconds, peak KiB.

FILE holds N x D float64, row by row; sample i is of class i % C.
"""

import resource
import sys
import time

import numpy as np


def logme(features, labels, classes):
    samples = features.shape[0]
    sigma, vectors = np.linalg.eigh(features.T @ features)
    kept = sigma > sigma.max() * 1e-12
    sigma, vectors = sigma[kept], vectors[:, kept]
    target = np.zeros((samples, classes))
    target[np.arange(samples), labels] = 1.0
    along = (vectors.T @ (features.T @ target)) ** 2 / sigma[:, None]
    energy = target.sum(axis=0)
    rest = np.maximum(energy - along.sum(axis=0), 1e-12 * energy)

    def evidence(ln_lambda):
        q = 1.0 + sigma[:, None] / np.exp(ln_lambda)[None, :]
        variance = (rest + (along / q).sum(axis=0)) / samples
        log_two_pi = np.log(2 * np.pi)
        return -0.5 * (samples * (log_two_pi + 1 + np.log(variance)) + np.log(q).sum(axis=0))

    reach = np.log(1e8)
    low, high = np.log(sigma.max()) - reach, np.log(sigma.max()) + reach
    grid = np.linspace(low, high, 129)
    values = np.array([evidence(np.full(classes, x)) for x in grid])
    best = values.argmax(axis=0)
    step = grid[1] - grid[0]
    a, b = np.maximum(grid[best] - step, low), np.minimum(grid[best] + step, high)
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        x, y = b - ratio * (b - a), a + ratio * (b - a)
        left = evidence(x) >= evidence(y)
        a, b = np.where(left, a, x), np.where(left, y, b)
    refined = np.maximum(evidence((a + b) / 2), values.max(axis=0))
    return float(np.mean(refined) / samples)


def main():
    path, samples, size, classes = sys.argv[1], *map(int, sys.argv[2:5])
    features = np.fromfile(path).reshape(samples, size)
    labels = np.arange(samples) % classes
    begun = time.process_time()
    value = logme(features, labels, classes)
    spent = time.process_time() - begun
    print(value, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


main()
