"""`python -m lab evaluate`: every table of docs/laboratory.md, from lab/facts and nothing else."""

import numpy as np

from .. import paths
from . import finetune, fitted, methods, plan, plot
from .tables import rows as facts

PAGE = paths.REPO / "docs" / "laboratory.md"
PLOT = paths.REPO / "docs" / "laboratory.svg"
SHOTS, FORM = 20, "int8"
BROAD = 40


def markdown(head: list, rows: list) -> str:
    """A table; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def backbones_table() -> str:
    """Families over sources: accuracy at home, and what int8 costs there."""
    rows, out = list(facts("backbones").values()), []
    for family in plan.FAMILIES:
        mine = [row for row in rows if row["family"] == family and row["accuracy_int8"]]
        if mine:
            float_, int8 = (np.array([float(row[f"accuracy_{form}"]) for row in mine]) for form in ("float", "int8"))
            out.append([family, str(len(mine)), mine[0]["params"], f"{int(mine[0]['macs']) / 1e6:.2f}",
                        f"{float_.mean():.3f}", f"{float_.min():.3f}", f"{float_.max():.3f}",
                        f"{100 * (float_ - int8).mean():+.2f}", f"{100 * (float_ - int8).max():+.2f}"])
    return markdown(["family", "backbones", "params", "MMAC", "accuracy at home", "least", "most",
                     "int8 loses, points", "at most"], out)


def counts() -> str:
    """How many facts there are."""
    tables = {name: facts(name).values() for name in ("backbones", "probe", "finetune", "scores")}
    tasks = {row["task"] for row in tables["probe"]}
    full = sum(task.endswith("/00") for task in tasks)
    pairs = tables["finetune"]
    return (f"{len(tables['backbones'])} backbones; {len(tasks)} tasks ({full} whole datasets, {len(tasks) - full} "
            f"class subsets); {len(tables['probe'])} probe accuracies; {len(pairs)} fine-tunings on "
            f"{len({row['dataset'] for row in pairs})} targets; {len(tables['scores'])} scores.")


def median_macs() -> float:
    """Multiply-accumulates of the median backbone."""
    return float(np.median([float(row["macs"]) for row in facts("backbones").values() if row["macs"]]))


def methods_table(results: list, nested) -> str:
    """All methods, best first, with the nested fusion's lead over each."""
    macs, out = median_macs(), []
    for result in sorted(results, key=lambda r: -r.tau.mean()):
        tau, symmetric, regret = result.line()
        low, high = methods.bootstrap(nested.tau - result.tau)
        lead = "" if result is nested else f"{(nested.tau - result.tau).mean():+.3f} [{low:+.3f}, {high:+.3f}]"
        cost = f"{100 * methods.share_of_fine_tuning(result.metrics, macs, SHOTS):.2f}" if result.metrics else "0"
        name = f"**{result.name}**" if result is nested else result.name
        out.append([name, f"{tau:.3f}", f"{symmetric:.3f}", f"{regret:.2f}", f"{100 * result.top.mean():.0f}", cost,
                    lead])
    return markdown(["method", "weighted τ, truth-ranked", "symmetric", "regret@1, points",
                     "best in top 3, %", "cost, % of fine-tuning one", "fusion leads by [95 %]"], out)


def datasets_table(study, shown: list) -> str:
    """Weighted tau of some methods on each dataset."""
    names = list(study.of)
    rows = [[name, str(len(study.of[name])), *(f"{r.tau[i]:.2f}" for r in shown)] for i, name in enumerate(names)]
    return markdown(["held-out dataset", "tasks", *(r.name.split(" (")[0] for r in shown)], rows)


def summary(form: str, shots: int, study=None) -> list:
    """A row for one form and number of shots; empty where the facts cover fewer than `BROAD` backbones."""
    study = study or methods.study_of(form, shots)
    if len(study.grid.backbones) < BROAD:
        return []
    nested, _, _ = methods.fused(study, alone=False)
    single = max(methods.singles(study), key=lambda r: r.tau.mean())
    prior = methods.statics(study)[0]
    return [f"{form}, {shots}", str(len(study.grid.backbones)), f"{prior.tau.mean():.3f}",
            f"{single.tau.mean():.3f} ({single.name})", f"{nested.tau.mean():.3f}",
            f"{nested.line()[1]:.3f}", f"{nested.line()[2]:.2f}", f"{single.line()[2]:.2f}",
            f"{prior.line()[2]:.2f}"]


def forms_text() -> str:
    """Whether int8 features change the ranking."""
    both = frozenset(methods.load("int8", SHOTS).backbones) & frozenset(methods.load("float", SHOTS).backbones)
    same, crossed = (methods.study_of(form, SHOTS, "int8", both) for form in ("int8", "float"))
    found = methods.reordered(same.grid, methods.load("int8", SHOTS, "float", both))
    rows = [[name, f"{a.tau.mean():.3f}", f"{b.tau.mean():.3f}"] for a, b in zip(
        methods.singles(same), methods.singles(crossed)) for name in [a.name]]
    return (f"On {len(both)} backbones. Float truth as a score for int8 truth: weighted τ {found['tau']:.3f}, regret "
            f"{found['regret']:.2f} points, the same best candidate on {100 * found['same best']:.0f} % of the tasks; accuracies differ "
            f"by {found['mean gap']:.2f} points on average, {found['largest gap']:.1f} at most.\n\n"
            + markdown(["score", "int8 features against int8 truth", "float features against int8 truth"], rows))


def finetune_table(study, results: dict) -> str:
    """Methods against full fine-tuning, on the whole datasets that have it."""
    rows, tuned = [], facts("finetune")
    for target in finetune.TARGETS:
        t = study.grid.tasks.index(f"{target}/00") if f"{target}/00" in study.grid.tasks else None
        if t is None:
            continue
        present = study.candidates[t]
        have = [i for i, b in enumerate(present) if (study.grid.backbones[b], target) in tuned]
        if len(have) < 8:
            continue
        truth = np.array([float(tuned[(study.grid.backbones[present[i]], target)]["accuracy"]) for i in have])
        scores = {name: predict(target, t)[have] for name, predict in results.items()}
        rows.append([target, str(len(have)), f"{truth.min():.3f} to {truth.max():.3f}",
                     *(f"{methods.agreement.tau(truth, score):.2f} / {100 * methods.agreement.regret(truth, score):.1f}"
                       for score in scores.values())])
    return markdown(["target", "pairs", "accuracy", *results], rows)


def verdict(nested, results: list) -> str:
    """The goals, each with what came out."""
    rest = [r for r in results if r is not nested]
    single = max((r for r in rest if len(r.metrics) == 1), key=lambda r: r.tau.mean())
    prior = next(r for r in rest if r.name == "prior")
    cost = 100 * methods.share_of_fine_tuning(nested.metrics, median_macs(), SHOTS)
    lines = []
    for other, label in ((single, f"the best single score, {single.name}"), (prior, "the prior")):
        difference = nested.tau - other.tau
        low, high = methods.bootstrap(difference)
        lines.append((f"fusion leads {label} by 0.05 or more: {difference.mean():+.3f}", difference.mean() >= 0.05))
        lines.append((f"the lower end of the interval [{low:+.3f}, {high:+.3f}] of that lead is above 0", low > 0))
    lines.append((f"regret@1 of the fusion is 1.5 points or less: {nested.line()[2]:.2f}", nested.line()[2] <= 1.5))
    lines.append((f"scoring a candidate costs less than 5 % of fine-tuning it: {cost:.2f} %", cost < 5))
    return "\n".join(f"- {'met' if holds else '**not met**'}: {text}" for text, holds in lines)


def sections() -> dict:
    """{marker: text} of everything that the page shows, and the plot's results."""
    study = methods.study_of(FORM, SHOTS)
    nested, chosen, each = methods.fused(study)
    singles, statics = methods.singles(study), methods.statics(study)
    results = [*singles, *statics, nested]
    best = max(singles, key=lambda r: r.tau.mean())
    of = {r.name: r for r in singles}
    shown = [statics[0], best, *(of[n] for n in ("logme", "head") if of[n] is not best), nested]
    against = {"probe": lambda d, t: study.grid.truth[t, study.candidates[t]],
               "prior": lambda d, t: study.prior(frozenset({d}))[study.candidates[t]],
               **{name: lambda d, t, n=name: study.grid.scores[n][t, study.candidates[t]]
                  for name in (best.name, "logme", "head")},
               "fusion": lambda d, t: study.fuse(d)[1][t]}
    picks = ", ".join(f"{name}: {chosen[name]}" for name in chosen)
    return {
        "counts": counts(), "backbones": backbones_table(), "methods": methods_table(results, nested),
        "verdict": verdict(nested, results),
        "datasets": datasets_table(study, shown) + f"\n\nChosen fuser by held-out dataset: {picks}.",
        "fusers": markdown(["fuser", "weighted τ", "symmetric", "regret@1, points"],
                           [[r.name, *(f"{v:.{n}f}" for v, n in zip(r.line(), (3, 3, 2)))] for r in each]),
        "shots": markdown(["form, shots", "backbones", "prior τ", "best single τ", "fusion τ", "symmetric",
                           "regret: fusion", "best single", "prior"],
                          [row for form in ("int8", "float") for shots in plan.SHOTS
                           for row in [summary(form, shots, study if (form, shots) == (FORM, SHOTS) else None)]
                           if row]),
        "device": fitted.device_text(study), "forms": forms_text(), "finetune": finetune_table(study, against),
        "plot": plot.bars([*sorted(results, key=lambda r: -r.tau.mean())], nested)}


def evaluate(write: bool) -> int:
    """Print the tables; with `write` put them between their markers in docs/laboratory.md."""
    found = sections()
    picture = found.pop("plot")
    for name, text in found.items():
        print(f"## {name}\n\n{text}\n")
    if write:
        page = PAGE.read_text()
        for name, text in found.items():
            start, end = f"<!-- {name}: python -m lab evaluate -->", f"<!-- end of {name} -->"
            before, rest = page.split(start)
            page = before + start + "\n" + text + "\n" + end + rest.split(end)[1]
        PAGE.write_text(page)
        PLOT.write_text(picture)
    return 0
