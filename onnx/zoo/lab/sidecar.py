"""The TOML beside each model: written here, read by the agent and by `check`."""

import hashlib
import tomllib
from pathlib import Path

LICENCE = "MIT OR Apache-2.0"
KEYS = {"schema", "id", "family", "licence", "sha256", "source", "preprocess", "outputs", "golden"}
# Noted later, by `umbra zoo add`.
LATER = {"behaviour"}


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def quoted(text: str) -> str:
    """A TOML basic string (the lab's strings have no control characters)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def numbers(values, digits=7) -> str:
    """A TOML array of floats, `digits` significant."""
    def one(value):
        text = f"{value:.{digits}g}"
        return text if any(c in text for c in ".en") else text + ".0"
    return "[" + ", ".join(one(v) for v in values) + "]"


def text(model_id, family, digest, source, labels, accuracies, samples, goldens) -> str:
    """The whole sidecar. `accuracies` is (float, int8 or None), fractions; `goldens` as from goldens.goldens."""
    accuracy_float, accuracy_int8 = accuracies
    mean, std = source.norm
    lines = [
        "schema = 1", f"id = {quoted(model_id)}", f"family = {quoted(family)}", f"licence = {quoted(LICENCE)}",
        f"sha256 = {quoted(digest)}", "",
        "[source]", f"task = {quoted(source.name)}",
        "labels = [" + ", ".join(quoted(label) for label in labels) + "]",
        f"dataset = {quoted(source.provenance)}", f"accuracy_float = {accuracy_float:.4f}",
    ]
    if accuracy_int8 is not None:
        lines.append(f"accuracy_int8 = {accuracy_int8:.4f}")
    lines += [
        f"samples = {samples}", "",
        "[preprocess]", 'layout = "nchw"', "channels = 3", "height = 32", "width = 32",
        f"mean = {numbers(mean)}", f"std = {numbers(std)}", "",
        "[outputs]", 'features = "features"', 'scores = "logits"',
    ]
    for golden in goldens:
        lines += ["", "[[golden]]", f"seed = {golden['seed']}", f"tolerance = {golden['tolerance']:.3g}",
                  f"logits = {numbers(golden['logits'])}", f"features = {numbers(golden['features'])}"]
    return "\n".join(lines) + "\n"


def read(path: Path) -> dict:
    """A parsed sidecar; complains about keys that the agent would refuse."""
    card = tomllib.loads(path.read_text())
    unknown = (set(card) - LATER) ^ KEYS
    if unknown:
        raise ValueError(f"{path.name}: missing or unknown keys {sorted(unknown)}")
    return card


def norm_of(card: dict) -> tuple:
    """(mean, std) of a sidecar."""
    return card["preprocess"]["mean"], card["preprocess"]["std"]


def all_in(folder: Path) -> list:
    """Every (model path, sidecar) in a zoo folder, by id."""
    return [(path.with_suffix(".onnx"), read(path)) for path in sorted(folder.glob("*.toml"))]
