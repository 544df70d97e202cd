"""The general extractor behind task tokens (`onnx/ranker/extractor.onnx`): its candidates, how one is chosen, its file.

A candidate is one family trained on several sources at once: each has its own slice of one wide head, batches of the
sources take turns. The criterion is the accuracy of the nearest prototype (mean of unit features of 20 images a
class), by int8 features, averaged over tasks and then over the datasets that no candidate was trained on. The free
Spoken Digits are share-alike: they judge, and nothing is trained on them.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as nnf

from .. import catalogue, export, quantise, runtime, sidecar, sources, train
from ..architectures import build
from ..augment import augment
from ..goldens import SEEDS, pixels
from ..meter import drum
from ..paths import ONNX
from . import datasets, features, plan, pretrain

RANKER = ONNX / "ranker"
NORM = sources.GLYPH_NORM
SHOTS = 20
# Seeds of the renderer that no task of the study and no bundled sample uses.
DIGITS, DIGIT_SEEDS = (12_000, 500), (303, 304)
VIEWS = 320_000
CALIBRATION = 320


@dataclass(frozen=True)
class Recipe:
    """One candidate. `sources` are trained on in turn; all their licences allow their weights to be shared."""

    name: str
    family: str
    sources: tuple

    @property
    def path(self) -> Path:
        """Its float weights while it is no more than a candidate."""
        return plan.STORE / "extractor" / f"{self.name}.npz"


RECIPES = (
    Recipe("letters", "cnn-wide", ("letters",)),
    Recipe("rendered", "cnn-wide", ("letters", "meter")),
    Recipe("permissive", "cnn-wide", ("letters", "meter", "notmnist", "omniglot", "signs")),
)
# Datasets that no recipe is trained on; of the lab's own backbones each is judged on those that it was not trained on.
HELD_OUT = ("mnist", "kannada", "digmnist", "cifar10", "fsdd", "dogcat", "smiles")
CHOSEN = "rendered"
# Backbones of the study to compare with: the three of the same family whose nearest neighbours are right most often,
# by the facts.
RIVALS = ("letters", "notmnist", "mnist")


def images(name: str, shared: Path):
    """Training images and labels of one source."""
    if name == "meter":
        return drum.batch(drum.DIGITS, DIGITS[0], DIGIT_SEEDS[0])
    data = sources.load(name, shared)
    return data.x_train, data.y_train


def views(x, index, kind: str, g) -> torch.Tensor:
    """Augmented pixels; half of them inverted, for ink is darker than paper only by custom."""
    seen = augment(x[index].permute(0, 3, 1, 2).float(), kind, g)
    flip = (torch.rand(len(seen), 1, 1, 1, generator=g) < 0.5).float()
    return seen * (1 - flip) + (255 - seen) * flip


def fit(recipe: Recipe, shared: Path):
    """The trained network; its head has the labels of all sources side by side."""
    seed = train.seed_of(recipe.name)
    each = [(name, *(torch.from_numpy(np.asarray(a)) for a in images(name, shared))) for name in recipe.sources]
    ends = np.cumsum([0, *(int(y.max()) + 1 for _, _, y in each)])
    net = build(recipe.family, int(ends[-1]), seed).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=train.PEAK_RATE, weight_decay=train.DECAY)
    g = torch.Generator().manual_seed(seed)
    steps = VIEWS // train.BATCH
    for step in range(steps):
        at = step % len(each)
        name, x, y = each[at]
        optimiser.param_groups[0]["lr"] = train.rate_at(step / steps)
        index = torch.randint(len(x), (train.BATCH,), generator=g)
        inputs = train.to_input(views(x, index, sources.SOURCES[name].kind, g), NORM)
        scores = net(inputs.contiguous(memory_format=torch.channels_last))[1][:, ends[at]:ends[at + 1]]
        loss = nnf.cross_entropy(scores, y[index].long())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 500 == 0:
            print(f"{recipe.name} {step}/{steps} loss {loss.item():.3f}", flush=True)
    return net.to(memory_format=torch.contiguous_format).eval()


def network(recipe: Recipe, shared: Path):
    """The candidate's network, trained unless the cache has it."""
    torch.set_num_threads(1)
    if not recipe.path.exists():
        pretrain.save(fit(recipe, shared), recipe.path)
    with np.load(recipe.path) as npz:
        state = {name: torch.from_numpy(npz[name].astype(np.float32)) for name in npz.files}
    net = build(recipe.family, len(state["head.bias"]), 0)
    net.load_state_dict(state, strict=False)
    return net.eval()


def only_features(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph up to the feature tensor, without the head."""
    with tempfile.TemporaryDirectory() as folder:
        whole, part = Path(folder) / "whole.onnx", Path(folder) / "part.onnx"
        onnx.save(model, whole)
        onnx.utils.extract_model(str(whole), str(part), ["image"], ["features"])
        return onnx.load(part)


def quantised(recipe: Recipe, shared: Path) -> onnx.ModelProto:
    """The int8 file, calibrated on equal numbers of views of each source."""
    g = torch.Generator().manual_seed(7)
    seen = []
    for name in recipe.sources:
        x = torch.from_numpy(np.asarray(images(name, shared)[0]))
        index = torch.randperm(len(x), generator=g)[:CALIBRATION // len(recipe.sources)]
        seen.append(views(x, index, sources.SOURCES[name].kind, g))
    inputs = train.to_input(torch.cat(seen), NORM).numpy()
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "float.onnx"
        export.export(network(recipe, shared), plain, 13)
        onnx.save(only_features(onnx.load(plain)), plain)
        return quantise.quantise(plain, catalogue.SCHEMES["qop"], inputs)


def unit(f: np.ndarray) -> np.ndarray:
    """Rows of length 1; a row of zeros stays."""
    length = np.linalg.norm(f, axis=1, keepdims=True)
    return f / np.where(length > 0, length, 1)


def prototypes(f: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """Mean of the unit features of each class [C, D]: what a task token holds."""
    f = unit(f.astype(np.float64))
    return np.stack([f[y == c].mean(0) for c in range(classes)])


def nearest(found: np.ndarray, f: np.ndarray, y: np.ndarray) -> float:
    """Share of rows whose nearest prototype is that of their class, 0..1."""
    distance = (found ** 2).sum(1) - 2 * unit(f.astype(np.float64)) @ found.T
    return float((distance.argmin(1) == y).mean())


def judged(read, shared: Path) -> dict:
    """{dataset: mean over its tasks of the prototypes' accuracy}; `read` makes features of images."""
    out = {}
    for name in plan.TARGETS:
        data = datasets.target(name, shared)
        train_f, test_f = read(data.x_train), read(data.x_test)
        each = []
        for task in plan.tasks(name, len(data.labels)):
            rows, y = datasets.few(data.y_train, task.classes, SHOTS)
            test, y_test = datasets.relabelled(data.y_test, task.classes)
            each.append(nearest(prototypes(train_f[rows], y, len(task.classes)), test_f[test], y_test))
        out[name] = float(np.mean(each))
    return out


def reader(path: Path, norm: tuple):
    """Features of uint8 images by a model of any batch size."""
    run = runtime.session(path)

    def read(x):
        inputs = sources.normalise(x, norm)
        return np.concatenate([run.run(["features"], {"image": inputs[i:i + 100]})[0]
                               for i in range(0, len(inputs), 100)])
    return read


def rivals(shared: Path, folder: Path):
    """(name, sources, reader) of backbones of the study that need no training: the same family on one source."""
    for backbone in plan.backbones():
        if backbone.family == "cnn-wide" and backbone.source in RIVALS:
            path = features.forms(backbone, shared, folder)["int8"]
            yield backbone.key, (backbone.source,), reader(path, sources.SOURCES[backbone.source].norm)


def line(name: str, taught: tuple, found: dict) -> str:
    """One row of the comparison."""
    held = [found[d] for d in HELD_OUT if d not in taught]
    cells = " | ".join(f"({v:.3f})" if d in taught else f"{v:.3f}" for d, v in found.items())
    return f"| {name} | {np.mean(held):.3f} | {cells} |"


def compare(shared: Path) -> str:
    """The table of candidates and rivals; in brackets what was trained on."""
    lines = ["| extractor | held out | " + " | ".join(plan.TARGETS) + " |",
             "|---|--:|" + "--:|" * len(plan.TARGETS)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for recipe in RECIPES:
            path = folder / f"{recipe.name}.onnx"
            onnx.save(features.any_batch(quantised(recipe, shared)), path)
            lines.append(line(recipe.name, recipe.sources, judged(reader(path, NORM), shared)))
            print(lines[-1], flush=True)
        for name, taught, read in rivals(shared, folder):
            lines.append(line(name, taught, judged(read, shared)))
            print(lines[-1], flush=True)
    return "\n".join(lines)


def extractor(shared: Path) -> None:
    """Compare, then write the chosen candidate and its sidecar into onnx/ranker."""
    compare(shared)
    recipe = next(r for r in RECIPES if r.name == CHOSEN)
    RANKER.mkdir(parents=True, exist_ok=True)
    path = RANKER / "extractor.onnx"
    export.save(quantised(recipe, shared), path, "extractor")
    path.with_suffix(".toml").write_text(card(path, recipe))
    print(f"{path.name}: {path.stat().st_size} bytes")


def card(path: Path, recipe: Recipe) -> str:
    """The sidecar: how images are fed, and what two of noise give."""
    mean, std = NORM
    read = reader(path, NORM)
    step = quantise.step(onnx.load(path), "features")
    lines = ["schema = 1", 'id = "extractor"', f'family = "{recipe.family}"', f'licence = "{sidecar.LICENCE}"',
             f'sha256 = "{sidecar.sha256(path)}"', "", "[preprocess]", 'layout = "nchw"', "channels = 3", "height = 32",
             "width = 32", f"mean = {sidecar.numbers(mean)}", f"std = {sidecar.numbers(std)}", "", "[outputs]",
             'features = "features"']
    for seed in SEEDS:
        found = read(pixels(seed))[0].tolist()
        lines += ["", "[[golden]]", f"seed = {seed}", f"tolerance = {2 * step:.3g}",
                  f"features = {sidecar.numbers(found)}"]
    return "\n".join(lines) + "\n"
