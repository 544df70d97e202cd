"""Train the backbones. A finished one is a float16 .npz in `lab/facts/weights`: that file is the backbone.

Everything later loads the rounded weights, so facts found on one machine hold for the file on any other.
"""

import time
from pathlib import Path

import numpy as np
import torch

from .. import sources, train
from ..architectures import build
from . import datasets, plan
from .tables import Table, today

IGNORED = "num_batches_tracked"


def path_of(backbone, folder: Path | None = None) -> Path:
    """Where a backbone's weights are."""
    default = plan.STORE / "weights" if backbone.source in plan.UNCOMMITTED else plan.WEIGHTS
    return (folder or default) / f"{backbone.key}.npz"


def save(net, path: Path) -> None:
    """Weights and batch-norm statistics as float16, compressed."""
    state = {name: value.numpy().astype(np.float16) for name, value in net.state_dict().items()
             if not name.endswith(IGNORED)}
    if not all(np.isfinite(value).all() for value in state.values()):
        raise ValueError(f"{path.stem}: a weight is not finite in float16")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, **state)
    part.replace(path)


def load(backbone, folder: Path | None = None):
    """The network with the stored weights, in eval mode."""
    with np.load(path_of(backbone, folder)) as npz:
        state = {name: torch.from_numpy(npz[name].astype(np.float32)) for name in npz.files}
    net = build(backbone.family, len(state["head.bias"]), 0)
    net.load_state_dict(state, strict=False)
    return net.eval()


def fit(backbone, data, epochs: int):
    """Train from scratch; the loop, augmentation and schedule of the zoo."""
    source = sources.SOURCES[backbone.source]
    seed = train.seed_of(backbone.key)
    net = build(backbone.family, len(data.labels), seed).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=train.PEAK_RATE, weight_decay=train.DECAY)
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    for epoch in range(epochs):
        g = torch.Generator().manual_seed(seed * 1000 + epoch)
        train.one_epoch(net, optimiser, lambda p, e=epoch: train.rate_at((e + p) / epochs), x, y, source, g)
    return net.to(memory_format=torch.contiguous_format).eval()


def pretrain(shared: Path, only: str = "") -> None:
    """Every backbone that has no weights yet and whose key contains `only`."""
    torch.set_num_threads(1)
    table = Table("backbones")
    for backbone in plan.backbones():
        if only not in backbone.key or path_of(backbone).exists():
            continue
        start = time.process_time()
        data = datasets.pretraining(backbone.source, shared)
        epochs = plan.pretrain_epochs(backbone.family, len(data.y_train))
        save(fit(backbone, data, epochs), path_of(backbone))
        net = load(backbone)
        accuracy = train.accuracy(net, data.x_test, data.y_test, sources.SOURCES[backbone.source].norm)
        seconds = time.process_time() - start
        table.add([{
            "backbone": backbone.key, "family": backbone.family, "source": backbone.source,
            "classes": len(data.labels), "images": len(data.y_train), "epochs": epochs,
            "seed": train.seed_of(backbone.key), "params": sum(p.numel() for p in net.parameters()), "macs": "",
            "accuracy_float": f"{accuracy:.4f}", "accuracy_int8": "", "seconds": f"{seconds:.1f}",
            "torch": torch.__version__.split("+")[0], "date": today()}])
        print(f"{backbone.key} {accuracy:.3f} {seconds:.0f} s", flush=True)
