"""Where the lab reads and writes. Every path derives from the repository root."""

from pathlib import Path

LAB = Path(__file__).resolve().parent
ZOO = LAB.parent
ONNX = ZOO.parent
REPO = ONNX.parent
TASK = ONNX / "task" / "meter"
CACHE = LAB / "cache"


def shared_dir(given: str | None) -> Path:
    """The folder that holds `datasets/*.npz`: as given, else `shared` in or beside the repository."""
    candidates = [Path(given)] if given else [REPO / "shared", REPO.parent / "shared"]
    for path in candidates:
        if (path / "datasets").is_dir():
            return path
    tried = ", ".join(str(path) for path in candidates)
    raise SystemExit(f"no datasets folder under {tried}; name one with --shared DIR")
