"""`python -m lab study STAGE` and `python -m lab evaluate`: the options and the dispatch."""

import argparse
from pathlib import Path

STAGES = ("pretrain", "features", "probe", "scores", "finetune", "pack")
# Beside the study: not among the stages that run where none is named.
ASIDE = ("extractor", "tokens", "candidates")
EPILOG = """\
Every stage goes on where it was stopped: from lab/facts (committed) and lab/cache/study (not).
  pretrain   train the backbones that have no weights in lab/facts/weights
  features   run every backbone, float and int8, on every target's images
  probe      the truth: a linear head on all training data of every task
  scores     every transferability score on 5, 20 and 50 images a class
  finetune   the dear truth: all layers trained on some targets
  pack       write what was found into lab/facts/*.csv.gz
Only where named:
  extractor  compare the candidates for onnx/ranker/extractor.onnx and write the chosen one
  tokens     the class prototypes of every task by that extractor, into lab/facts/tokens.npz
  candidates the int8 backbones with sidecars, into a folder (--out), for umbra-train
"""


def add(verbs) -> None:
    """Register both verbs."""
    study = verbs.add_parser("study", help="train many backbones and gather the facts", epilog=EPILOG,
                             formatter_class=argparse.RawDescriptionHelpFormatter)
    study.add_argument("stage", nargs="?", choices=STAGES + ASIDE,
                       help="one stage (default: the first six, in this order)")
    study.add_argument("--only", default="", help="backbones whose key contains this")
    study.add_argument("--shared", help="folder that holds datasets/")
    study.add_argument("--out", type=Path, help="folder of `candidates` (default lab/cache/study/candidates)")
    evaluate = verbs.add_parser("evaluate", help="which score foretells the truth, from lab/facts")
    evaluate.add_argument("--write", action="store_true", help="put the tables into docs/laboratory.md, and the plot")
    fusion = verbs.add_parser("fusion", help="the weights that the agent ranks by, from lab/facts")
    fusion.add_argument("--write", action="store_true", help="put them into src/rank/relevance/weights.rs")
    fusion.add_argument("--evaluated", nargs="+", type=Path, default=[], metavar="JSON",
                        help="instead: the forms on the shipped models, from `umbra eval --json` of each dataset")
    agree = verbs.add_parser("agree", help="hold the scores in numpy against those of the umbra binary")
    agree.add_argument("--umbra", type=Path, required=True, help="the binary")
    agree.add_argument("--cases", type=int, default=24, help="how many cached (backbone, task) to try")


def run_study(options) -> int:
    """One stage or all."""
    from .. import paths
    from . import candidates, extractor, features, finetune, plan, pretrain, probe, tables, tokens
    shared = paths.shared_dir(options.shared)
    if options.stage == "candidates":
        candidates.candidates(shared, options.out or plan.STORE / "candidates", options.only)
        return 0
    stages = {"pretrain": pretrain.pretrain, "features": features.features, "probe": probe.probe,
              "scores": probe.scores, "finetune": finetune.finetune}
    aside = {"extractor": extractor.extractor, "tokens": tokens.tokens}
    if options.stage in aside:
        aside[options.stage](shared)
        return 0
    for name in STAGES if options.stage is None else (options.stage,):
        if name in stages:
            stages[name](shared, options.only)
        else:
            for table in tables.COLUMNS:
                print(f"{table}: {tables.Table(table).pack()} rows", flush=True)
    return 0


def run(options) -> int:
    """Dispatch."""
    if options.verb == "study":
        return run_study(options)
    if options.verb == "agree":
        from . import agree
        return agree.agree(options.umbra, options.cases)
    if options.verb == "fusion":
        from . import fitted
        return fitted.fusion(options.write, options.evaluated)
    from . import evaluate
    return evaluate.evaluate(options.write)
