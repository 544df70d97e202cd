"""Training with resumable checkpoints: one file per member in the cache folder, written after each epoch."""

import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf

from . import sources
from .architectures import build
from .augment import augment

BATCH = 64
PEAK_RATE = 0.004
DECAY = 2e-4


def seed_of(key: str) -> int:
    """A stable seed for a member: the sum of its bytes, weighted by position."""
    return sum((i + 1) * b for i, b in enumerate(key.encode())) % 100_003


def to_input(pixels, norm):
    """Pixels [B, 3, 32, 32] in 0..255 to the network's input."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in norm)
    return (pixels - mean) / std


def augmented(x, index, kind, g):
    """Images `index` of x (uint8 NHWC tensor) as augmented pixels [B, 3, 32, 32]."""
    return augment(x[index].permute(0, 3, 1, 2).float(), kind, g)


def one_epoch(net, optimiser, rate, x, y, source, g, bf16=False):
    """One pass in random order; returns the mean training loss."""
    net.train()
    order = torch.randperm(len(x), generator=g)
    steps = len(x) // BATCH
    total = 0.0
    for i in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = rate(i / steps)
        index = order[i * BATCH:(i + 1) * BATCH]
        pixels = augmented(x, index, source.kind, g)
        inputs = to_input(pixels, source.norm).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = nnf.cross_entropy(net(inputs)[1], y[index])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total / steps


def accuracy(net, x, y, norm) -> float:
    """Share of right answers on uint8 NHWC images, 0..1."""
    net.eval()
    with torch.no_grad():
        inputs = torch.from_numpy(sources.normalise(x, norm))
        hits = [(net(part)[1].argmax(1).numpy()) for part in inputs.split(256)]
    return float((np.concatenate(hits) == y).mean())


def rate_at(progress: float) -> float:
    """Learning rate at `progress` 0..1 of the whole run: short warm-up, then cosine to zero."""
    if progress < 0.08:
        return PEAK_RATE * progress / 0.08
    return PEAK_RATE * 0.5 * (1 + math.cos(math.pi * (progress - 0.08) / 0.92))


def train(member, shared: Path, cache: Path, smoke: bool = False):
    """The trained network of `member` in eval mode; continues from the last finished epoch in `cache`."""
    torch.set_num_threads(1)
    source = sources.SOURCES[member.source]
    data = sources.load(member.source, shared, smoke)
    net = build(member.family, len(data.labels), seed_of(member.key))
    net = net.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=DECAY)
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{member.key}{'-smoke' if smoke else ''}.pt"
    done = 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        if state["epochs"] == member.epochs:
            net.load_state_dict(state["net"])
            optimiser.load_state_dict(state["optimiser"])
            done = state["done"]
    if done < member.epochs:
        x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    for epoch in range(done, member.epochs):
        start = time.monotonic()
        g = torch.Generator().manual_seed(seed_of(member.key) * 1000 + epoch)
        loss = one_epoch(net, optimiser, lambda p, e=epoch: rate_at((e + p) / member.epochs), x, y, source, g,
                         member.bf16)
        part = path.with_suffix(".part")
        torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "done": epoch + 1,
                    "epochs": member.epochs}, part)
        part.replace(path)
        score = accuracy(net, data.x_test[:300], data.y_test[:300], source.norm)
        print(f"{member.key} epoch {epoch + 1}/{member.epochs} loss {loss:.3f} test {score:.3f} "
              f"{time.monotonic() - start:.1f} s", flush=True)
    return net.to(memory_format=torch.contiguous_format).eval()
