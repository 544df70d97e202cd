"""The dear truth: all layers of a backbone trained on a target, a short schedule from a fixed seed.

The new head starts as the linear probe (Kumar et al., ICLR 2022): from a random one a short schedule ends below it.
"""

import time
from pathlib import Path

import torch
from torch import nn

from .. import sources, train
from . import datasets, heads, plan, pretrain
from .tables import Table, today

TARGETS = ("meter", "signs", "fsdd", "cifar10", "kannada", "omniglot", "notmnist", "digmnist")
# Cheapest first.
FAMILIES = ("cnn-small", "cnn-wide", "dscnn", "mbv1-025", "squeeze", "resnet8")
IMAGES, EPOCHS, RATE = 1500, 8, 0.003


def new_head(net, x, y, norm, classes: int) -> nn.Linear:
    """The linear probe on these images as a layer."""
    with torch.no_grad():
        inputs = torch.from_numpy(sources.normalise(x, norm))
        features = torch.cat([net(part)[0] for part in inputs.split(256)]).numpy().astype(float)
    weights, bias = heads.linear(features, y, classes)
    head = nn.Linear(features.shape[1], classes)
    head.load_state_dict({"weight": torch.from_numpy(weights).float(), "bias": torch.from_numpy(bias).float()})
    return head


def fit(backbone, data, target: str, seed: int):
    """The backbone with a new head, trained on `data`; images are read as the backbone was taught to."""
    torch.manual_seed(seed)
    net = pretrain.load(backbone)
    x, y = datasets.cut(data.x_train, data.y_train, IMAGES, 6)
    net.head = new_head(net, x, y, sources.SOURCES[backbone.source].norm, len(data.labels))
    net = net.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=train.DECAY)
    # The target decides how images vary, the backbone how they are normalised.
    view = sources.Source(target, "", sources.SOURCES[target].kind, "", "", sources.SOURCES[backbone.source].norm)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    for epoch in range(EPOCHS):
        g = torch.Generator().manual_seed(seed * 1000 + epoch)

        def rate(progress, at=epoch):
            return train.rate_at((at + progress) / EPOCHS) * RATE / train.PEAK_RATE

        train.one_epoch(net, optimiser, rate, x, y, view, g)
    return net.to(memory_format=torch.contiguous_format).eval(), len(y)


def finetune(shared: Path, only: str = "") -> None:
    """Every pair (backbone, target) without an accuracy yet, target by target within a family."""
    torch.set_num_threads(1)
    table = Table("finetune")
    pairs = [(b, target) for family in FAMILIES for target in TARGETS for b in plan.backbones()
             if b.family == family and b.source != target and only in b.key]
    for backbone, target in pairs:
        if (backbone.key, target) in table or not pretrain.path_of(backbone).exists():
            continue
        start, seed = time.process_time(), train.seed_of(f"{backbone.key}>{target}")
        data = datasets.target(target, shared)
        net, images = fit(backbone, data, target, seed)
        accuracy = train.accuracy(net, data.x_test, data.y_test, sources.SOURCES[backbone.source].norm)
        table.add([{"backbone": backbone.key, "dataset": target, "accuracy": f"{accuracy:.4f}", "train": images,
                    "test": len(data.y_test), "epochs": EPOCHS, "seed": seed,
                    "seconds": f"{time.process_time() - start:.1f}", "torch": torch.__version__.split("+")[0],
                    "date": today()}])
        print(f"{backbone.key} > {target} {accuracy:.3f} {time.process_time() - start:.0f} s", flush=True)
