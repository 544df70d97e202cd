"""The definition of docs/ranking.md in numpy, every duel: the peer of benches/scale.rs.

    python3 scale_numpy.py CATALOGUE.f32

Prints processor seconds and the winner's place in the file.
"""
import sys
import time

import numpy as np

LIMITS = [None, -0.7, None, None, None]
TARGETS = [None, 0.0, 0.0, None, 0.0]
WEIGHTS = [42000, 19000, 13000, 12000, 5000]
FIVE = float(np.log(1.05))
INDIFFERENCE = [0.01, FIVE, FIVE, FIVE, FIVE]
BLOCK = 500

start = time.process_time()
scores = np.fromfile(sys.argv[1], "<f4").reshape(-1, len(WEIGHTS))
kept = np.ones(len(scores), bool)
for a, limit in enumerate(LIMITS):
    if limit is not None:
        kept &= ~(scores[:, a] < np.float32(limit))
rows = np.flatnonzero(kept)
scores = scores[kept].astype(np.float64)
for a, target in enumerate(TARGETS):
    if target is not None:
        scores[:, a] = np.minimum(scores[:, a], target)
items = len(scores)
signs = np.zeros((items, items), np.int8)
margins = np.zeros(items, np.int64)
for at in range(0, items, BLOCK):
    block = scores[at : at + BLOCK]
    total = np.zeros((len(block), items), np.int32)
    for a, weight in enumerate(WEIGHTS):
        difference = block[:, a, None] - scores[None, :, a]
        total += weight * ((difference > INDIFFERENCE[a]).astype(np.int32) - (difference < -INDIFFERENCE[a]))
    signs[at : at + BLOCK] = np.sign(total)
    margins[at : at + BLOCK] = total.sum(1, dtype=np.int64)
halves = items - 1 + signs.sum(1, dtype=np.int64)
quarters = np.array([((1 + row.astype(np.int64)) * halves).sum() for row in signs]) - halves
order = np.lexsort((np.arange(items), -margins, -quarters, -halves))
print(f"{time.process_time() - start:.4f} {rows[order[0]]}")
