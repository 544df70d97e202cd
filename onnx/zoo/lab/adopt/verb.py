"""`python -m lab import`: the options, the report, the exit code."""

import argparse
import sys
from pathlib import Path

EPILOG = """\
reads     .onnx; TorchScript (.pt, .pts, .pth); torch.export (.pt2). One float32 input, batch 1 or open.
          Import PyTorch files only from those you trust: loading one can run code.
writes    OUT/NAME.onnx, quantised to int8, and OUT/NAME.toml, the sidecar of docs/models.md.
examples  python -m lab import net.onnx --norm pm1 --calibration photos/ --out zoo
          python -m lab import net.pt --shape 1x3x96x96 --labels cat,dog
"""


def _shape(text: str):
    """1x3x32x32 as a tuple."""
    return tuple(int(part) for part in text.split("x"))


def add(verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser("import", help="turn an ONNX or PyTorch file into a candidate", epilog=EPILOG,
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    verb.add_argument("file", type=Path, help="the model")
    verb.add_argument("--out", type=Path, default=Path("."), help="folder for the candidate (default: here)")
    verb.add_argument("--name", help="its id (default: the file's name and -int8)")
    verb.add_argument("--format", choices=("qdq", "qop"), default="qdq", help="graph format (default qdq)")
    verb.add_argument("--norm", default="unit", metavar="NORM",
                      help="how pixels become inputs: raw, unit (/255, the default), pm1 (/127.5 - 1), or MEAN:STD")
    verb.add_argument("--calibration", type=Path, metavar="PATH",
                      help="folder of images, or .npz of uint8 images or of float inputs (default: random images)")
    verb.add_argument("--shape", type=_shape, help="input of a TorchScript file, such as 1x3x32x32")
    verb.add_argument("--labels", default="", help="labels of the scores, comma-separated")
    verb.add_argument("--family", default="imported", help="architecture family for the sidecar")
    verb.add_argument("--licence", default="unknown", help="SPDX expression for the sidecar")


def run(options) -> int:
    """Import one file; 1 and one line on standard error where it cannot be."""
    # Here, not above: `--help` need not wait for onnxruntime.
    from . import candidate
    from .read import Unfit
    labels = tuple(label for label in options.labels.split(",") if label)
    name = options.name or f"{options.file.stem}-int8"
    try:
        made = candidate.adopt(options.file, options.out, name, scheme=options.format, norm=options.norm,
                               calibration=options.calibration, shape=options.shape, labels=labels,
                               family=options.family, licence=options.licence)
    except Unfit as error:
        print(f"import: {error}", file=sys.stderr)
        return 1
    close = made.closeness
    print(f"{made.model}: {made.model.stat().st_size} bytes, input {made.inputs}")
    print(f"scores {made.scores}, features {made.features or '-'}")
    print(f"int8 against float on {close['inputs']} calibration inputs: same class {close['same_class']:.3f}, "
          f"largest difference over range: scores {close['scores']:.3f}"
          + (f", features {close['features']:.3f}" if "features" in close else ""))
    for note in made.notes:
        print(f"note: {note}")
    return 0
