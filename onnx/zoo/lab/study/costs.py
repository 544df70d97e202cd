"""What a score costs, in multiply-accumulates, beside the forward passes that every score needs."""

from . import finetune

CLASSES, FEATURES, SOURCE_CLASSES = 10, 64, 10
SEARCH = 129 * 4


def operations(metric: str, shots: int, c=CLASSES, d=FEATURES, z=SOURCE_CLASSES) -> float:
    """Multiply-accumulates of one score on `shots` images of each of c classes; docs/ranking.md has the orders."""
    n = shots * c
    spectrum = 4 * n * d * min(n, d)
    parts = max(min(c, n // 5), n // 10)
    return float({
        "logme": spectrum + n * d * c + SEARCH * c * min(n, d), "hscore": spectrum + n * d,
        "hscore-shrunk": n * d * d + 2 * d**3, "lfc": n * d * d, "gbc": n * d + c * c * d,
        "nleep": spectrum + 100 * 4 * n * parts * d * 0.25, "knn": n * n * d,
        "head": 5 * (d**3 + n * d * d + 150 * 2 * n * d * c), "energy": n * d, "leep": 2 * n * z, "nce": n * z,
        "pactran": 20 * n * z}[metric])


def forward(macs: float, shots: int) -> float:
    """Forward passes of one candidate over the images."""
    return macs * shots * CLASSES


def fine_tuning(macs: float) -> float:
    """Fine-tuning one candidate by this study's short schedule; backwards costs two forwards."""
    return 3 * macs * finetune.IMAGES * finetune.EPOCHS
