"""`python -m lab VERB`, run from onnx/zoo."""

import argparse
import tempfile
from pathlib import Path

from . import paths
from .adopt import verb as adopt
from .study import verb as study


def parser() -> argparse.ArgumentParser:
    """The verbs and their options."""
    top = argparse.ArgumentParser(prog="lab", description="Builds and checks the demo zoo and the demo task.")
    verbs = top.add_subparsers(dest="verb", required=True)
    build = verbs.add_parser("build", help="train, quantise and write the zoo")
    build.add_argument("--smoke", action="store_true",
                       help="two small members on rendered letters, into a temporary folder, then check them")
    build.add_argument("--only", default="", help="members whose key contains this")
    build.add_argument("--shared", help="folder that holds datasets/")
    build.add_argument("--out", type=Path, help="where models go (default onnx/zoo)")
    for name, text in (("check", "verify the models against their sidecars"),
                       ("choice", "measure every candidate on the demo task"),
                       ("readme", "write the table into README.md")):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("--dir", type=Path, default=paths.ZOO, help="folder of models")
        verb.add_argument("--task", type=Path, default=paths.TASK, help="folder of task.toml")
    meter = verbs.add_parser("meter", help="render the demo task")
    meter.add_argument("--out", type=Path, default=paths.TASK)
    baseline = verbs.add_parser("baseline", help="raw pixels on the demo task")
    baseline.add_argument("--task", type=Path, default=paths.TASK)
    adopt.add(verbs)
    study.add(verbs)
    verbs.add_parser("selftest", help="the lab's own tests")
    return top


def run_build(options) -> int:
    """The build verb; the smoke run checks what it made."""
    import torch
    from . import build, check
    torch.set_num_threads(1)
    if options.smoke:
        with tempfile.TemporaryDirectory() as folder:
            out = options.out or Path(folder) / "zoo"
            # Its members use rendered letters only, so any folder does for the datasets.
            build.build(Path(folder), Path(folder) / "cache", out, True, options.only)
            return check.check(out)
    build.build(paths.shared_dir(options.shared), paths.CACHE, options.out or paths.ZOO, False, options.only)
    return 0


def main() -> int:
    """Dispatch one verb; the exit code is 0 when all is well."""
    options = parser().parse_args()
    if options.verb == "build":
        return run_build(options)
    if options.verb == "check":
        from . import check
        return 1 if check.check(options.dir) else 0
    if options.verb == "choice":
        from . import choice
        return 1 if choice.choice(options.dir, options.task) else 0
    if options.verb == "readme":
        from . import readme
        return readme.update(options.dir, options.task)
    if options.verb == "baseline":
        from . import baseline
        return baseline.baseline(options.task)
    if options.verb == "meter":
        from .meter import task
        task.write(options.out)
        return 0
    if options.verb == "import":
        return adopt.run(options)
    if options.verb in ("study", "evaluate", "fusion", "agree"):
        return study.run(options)
    import pytest
    return pytest.main(["-q", str(paths.LAB / "tests")])
