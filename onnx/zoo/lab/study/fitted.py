"""`python -m lab fusion`: the weights that the agent ranks by, fitted on all datasets, as a table of Rust.

The same forms with each dataset left out in turn are what they are worth; zoos of a few candidates are drawn from the
study's backbones, for a device has a handful and not fifty.
"""

import json
from pathlib import Path

import numpy as np

from .. import paths, sidecar
from . import agreement, methods
from .fusion import CHEAP, FUSERS, SHIPPED, Fuser, Study
from .grid import Grid

TABLE = paths.REPO / "src" / "rank" / "relevance" / "weights.rs"
SIZES, DRAWS, SEED = (4, 8, 16), 20, 41
# Forms of a prior and the three scores that a device has.
CANDIDATES = tuple(fuser for fuser in FUSERS if fuser.metrics == CHEAP and not fuser.kin)
VIEWS = {"prior": "Prior", "logme": "LogMe", "hscore-shrunk": "HScore", "nce": "Nce"}
HEAD = """\
//! Weights of the fitted relevance; written by `python -m lab fusion --write`, not by hand.
//!
//! Ridge regression on the standing in the truth, on {tasks} tasks of {datasets} datasets with {backbones}
//! backbones (docs/laboratory.md).

use super::View;

/// Of each view: the weight of a candidate's own value, of the mean over the candidates of its
/// source task, and of the mean over those of its family.
pub(super) const WEIGHTS: [(View, [f64; 3]); 4] = ["""


def table(study: Study) -> str:
    """The Rust file: the weights of the form with a prior, the one that the agent uses."""
    fuser = SHIPPED[0]
    # Own values, means by source and means by family, first of the prior, then of the scores.
    weights = study.weights(fuser, frozenset())
    rows = [*weights[:3].reshape(3, -1).T, *weights[3:].reshape(3, -1).T]
    lines = [f"    (View::{view}, [{', '.join(f'{w:.4f}' for w in row)}])," for view, row in zip(VIEWS.values(), rows)]
    head = HEAD.format(tasks=len(study.grid.tasks), datasets=len(study.of), backbones=len(study.grid.backbones))
    return "\n".join([head, *lines, "];"]) + "\n"


def by(study: Study, fuser: Fuser | str, t: int, rows: np.ndarray, prior: np.ndarray, weights) -> np.ndarray:
    """The fused score of some candidates of a task; of a score's name, that score; of "ranks", the mean rank."""
    if isinstance(fuser, str) and fuser in study.inputs:
        return study.inputs[fuser][t, rows]
    if isinstance(fuser, str):
        ranks = study.raw(SHIPPED[1], t, rows).argsort(0).argsort(0).mean(1)
        return ranks + prior[rows].argsort().argsort() if fuser == "ranks with prior" else ranks
    x = study.spread(fuser, rows, study.raw(fuser, t, rows))
    return (np.concatenate([study.spread(fuser, rows, prior[rows][:, None]), x], 1) if fuser.prior else x) @ weights


FORMS = {"LogME": "logme", "mean rank of 3 scores": "ranks", SHIPPED[1].name: SHIPPED[1],
         "mean rank, half of it the prior": "ranks with prior", SHIPPED[0].name: SHIPPED[0]}


def drawn(study: Study, size: int | None) -> dict:
    """{form: (tau, regret) per dataset}; all candidates, or zoos of `size` drawn from them, the same for all forms."""
    out = {name: [] for name in FORMS}
    for dataset, tasks in study.of.items():
        leave, found = frozenset({dataset}), {name: [] for name in FORMS}
        prior = study.prior(leave)
        weights = {form: study.weights(form, leave) for form in SHIPPED}
        rng = np.random.default_rng([SEED, *dataset.encode()])
        for t in tasks:
            rows = study.candidates[t]
            zoos = [rows] if size is None else [rng.choice(rows, size, replace=False) for _ in range(DRAWS)]
            for zoo in zoos:
                truth = study.grid.truth[t, zoo]
                for name, form in FORMS.items():
                    score = by(study, form, t, zoo, prior, weights.get(form))
                    found[name].append((agreement.tau(truth, score), agreement.regret(truth, score)))
        for name, values in found.items():
            out[name].append(np.nanmean(np.array(values), 0))
    return {name: np.array(values) for name, values in out.items()}


def sizes_table(study: Study) -> str:
    """What each form is worth on zoos of several sizes, left-out dataset by left-out dataset."""
    columns = [drawn(study, size) for size in (*SIZES, None)]
    lines = ["| form | " + " | ".join(f"{size} candidates" for size in (*SIZES, "all")) + " |",
             "|---|" + "--:|" * len(columns)]
    for name in FORMS:
        cells = [f"{found[name][:, 0].mean():.3f} / {100 * found[name][:, 1].mean():.2f}" for found in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def other_shots() -> str:
    """Weights fitted at 20 images a class, used at 5 and 50."""
    fitted_at = methods.study_of("int8", 20)
    lines = ["| form | " + " | ".join(f"{shots} images" for shots in (5, 50)) + " |", "|---|--:|--:|"]
    for fuser in SHIPPED:
        cells = []
        for shots in (5, 50):
            study, found = methods.study_of("int8", shots), []
            for dataset, tasks in study.of.items():
                leave = frozenset({dataset})
                weights, prior = fitted_at.weights(fuser, leave), study.prior(leave)
                each = [(study.grid.truth[t, study.candidates[t]],
                         by(study, fuser, t, study.candidates[t], prior, weights)) for t in tasks]
                found.append([np.nanmean([f(truth, score) for truth, score in each])
                              for f in (agreement.tau, agreement.regret)])
            tau, regret = np.mean(found, 0)
            cells.append(f"{tau:.3f} / {100 * regret:.2f}")
        lines.append(f"| {fuser.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def nested(study: Study, figure, sign: int) -> tuple:
    """(tau, regret) where each dataset's form is the best of `CANDIDATES` by a figure on the others, left out each."""
    found = []
    for dataset in study.of:
        held, others = frozenset({dataset}), [name for name in study.of if name != dataset]
        means = [np.mean([_mean(study, figure, study.predict(fuser, name, held)) for name in others])
                 for fuser in CANDIDATES]
        predicted = study.predict(CANDIDATES[int(np.argmax(sign * np.array(means)))], dataset, frozenset())
        found.append([_mean(study, f, predicted) for f in (agreement.tau, agreement.regret)])
    return tuple(np.mean(found, 0))


def _mean(study: Study, figure, predicted: dict) -> float:
    """Mean of a figure over the tasks of a dataset."""
    return float(np.nanmean([figure(study.grid.truth[t, study.candidates[t]], score)
                             for t, score in predicted.items()]))


def leads(study: Study) -> str:
    """How far each shipped form is ahead of the prior and of the best single score, with intervals over datasets."""
    single = max(methods.singles(study), key=lambda result: result.tau.mean())
    out = []
    for fuser in SHIPPED:
        mine = methods.measured(fuser.name, study, lambda d, f=fuser: study.predict(f, d, frozenset()))
        for other in (methods.statics(study)[0], single):
            low, high = methods.bootstrap(mine.tau - other.tau)
            lead = f"{(mine.tau - other.tau).mean():+.3f} [{low:+.3f}, {high:+.3f}]"
            out.append(f"{fuser.name} leads {other.name} by {lead}")
    return "; ".join(out) + "."


def device_text(study: Study) -> str:
    """The section on what the agent ranks by."""
    (tau, regret), (other_tau, other_regret) = (nested(study, *how) for how in ((agreement.tau, 1),
                                                                               (agreement.regret, -1)))
    return "\n\n".join([
        sizes_table(study), "Weights of 20 images a class used on other numbers of them:", other_shots(),
        f"Chosen anew for every dataset among the {len(CANDIDATES)} forms that a device can compute, by the others' "
        f"tau: {tau:.3f} / {100 * regret:.2f}; by the others' regret: {other_tau:.3f} / {100 * other_regret:.2f}.",
        f"With all candidates, in τ: {leads(study)}"])


def seen(file) -> dict:
    """What `umbra eval --json` says of the candidates that have a truth, scores and a sidecar in the zoo."""
    found = {}
    for of in json.loads(Path(file).read_text())["candidates"]:
        card = paths.ZOO / f"{of['id']}.toml"
        if of["truth"] is not None and of["logme"] is not None and card.exists():
            found[of["id"]] = of
    return found


def zoo_of(tasks: dict, ids: list, kind: tuple, everybody: bool) -> Study:
    """The shipped models as a study; strangers to a task's dataset only, unless `everybody` takes part."""
    keys = {"logme": "logme", "hscore-shrunk": "hscore", "nce": "nce"}

    def table(key):
        return np.array([[np.nan if found[i][key] is None else found[i][key] for i in ids] for found in tasks.values()])

    takes_part = strangers(tasks, ids, kind) | everybody
    scores = {}
    for name, key in keys.items():
        values = table(key)
        # A score that is silent on a candidate counts as average, as on the device.
        average = np.nanmean(np.where(takes_part, values, np.nan), 1, keepdims=True)
        scores[name] = np.where(takes_part, np.where(np.isfinite(values), values, average), np.nan)
    truth = np.where(takes_part, table("truth"), np.nan)
    return Study(Grid(ids, list(tasks), np.array(list(tasks)), truth, scores, np.full(len(tasks), 100)), *kind)


def strangers(tasks: dict, ids: list, kind: tuple) -> np.ndarray:
    """[T, B]: whether a model was trained on another dataset than the task's."""
    return np.array([[kind[0][i] != name for i in ids] for name in tasks])


def forms_on(zoo: Study, standing: np.ndarray, weights: dict) -> dict:
    """{form: (tau, regret)} over the tasks of a zoo; a model's prior is its mean standing in the other tasks."""
    out = {name: [] for name in FORMS}
    for t, task in enumerate(zoo.grid.tasks):
        rows, prior = zoo.candidates[t], np.nanmean(np.delete(standing, t, 0), 0)
        truth = zoo.grid.truth[t, rows]
        for name, form in FORMS.items():
            score = by(zoo, form, t, rows, prior, weights.get((form, task)))
            out[name].append([f(truth, score) for f in (agreement.tau, agreement.regret)])
    return {name: np.nanmean(values, 0) for name, values in out.items()}


def external(files: list) -> str:
    """Forms on the shipped models, which had no part in the study: each file is one task, its dataset left out.

    Priors come from the truth in the other files, weights from the study without that dataset. Files are named
    DATASET.json or DATASET-*.json, by the study's names.
    """
    study = methods.study_of("int8", 20)
    tasks = {Path(file).stem.split("-")[0]: seen(file) for file in files}
    ids = sorted(set.intersection(*(set(found) for found in tasks.values())))
    cards = {i: sidecar.read(paths.ZOO / f"{i}.toml") for i in ids}
    kind = ({i: cards[i]["source"]["task"] for i in ids}, {i: cards[i]["family"] for i in ids})
    weights = {(form, name): study.weights(form, frozenset({name})) for form in SHIPPED for name in tasks}
    only, everybody = (zoo_of(tasks, ids, kind, all_of_them) for all_of_them in (False, True))
    # Nobody's prior comes from the dataset that it was trained on.
    found = [forms_on(zoo, only.truth, weights) for zoo in (only, everybody)]
    lines = ["| form | strangers only | all |", "|---|--:|--:|"]
    for form in FORMS:
        cells = [f"{each[form][0]:.3f} / {100 * each[form][1]:.2f}" for each in found]
        lines.append(f"| {form} | {' | '.join(cells)} |")
    return "\n".join(lines)


def fusion(write: bool, evaluated: list) -> int:
    """Print the table of weights, with `write` into the agent's source; or the forms on `evaluated` files."""
    if evaluated:
        print(external(evaluated))
        return 0
    text = table(methods.study_of("int8", 20))
    print(text, end="")
    if write:
        TABLE.write_text(text)
    return 0
