"""One number wheel behind its window, as float RGB: strip, cylinder, paint, wear, frame, light, camera.

The scene is drawn at `SCALE` times the final size and averaged down. All randomness comes from the
generator that is passed in, in a fixed order: a seed is an image.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from . import faces

SIZE = 32
SCALE = 3
BIG = SIZE * SCALE

# (ink RGB, paper RGB, weight): black on white, white on black, white on a red last drum, red on white, aged.
DIGIT_PAINTS = (
    ((25, 25, 28), (228, 226, 220), 0.30),
    ((232, 230, 224), (28, 28, 32), 0.34),
    ((235, 228, 222), (176, 32, 34), 0.18),
    ((178, 34, 36), (226, 222, 214), 0.10),
    ((58, 50, 40), (196, 178, 134), 0.08),
)
LETTER_PAINTS = (
    ((22, 40, 96), (222, 226, 232), 0.25),
    ((226, 222, 190), (24, 62, 46), 0.25),
    ((240, 214, 60), (38, 38, 44), 0.2),
    ((60, 34, 20), (214, 196, 160), 0.15),
    ((228, 232, 236), (30, 62, 130), 0.15),
)


@dataclass(frozen=True)
class Style:
    """What goes on the wheel: its characters in wheel order, the faces, the paints.

    `harsh` 0..1 scales half-turns, wear, fading, frame, lighting, glare, blur and noise.
    """

    chars: str
    faces: tuple
    paints: tuple
    harsh: float


DIGITS = Style("0123456789", faces.DIGIT_FACES, DIGIT_PAINTS, harsh=0.35)
LETTERS = Style("ABCDEFGHIJKLMNOPQRSTUVWXYZabdeghnqrt&$%?", faces.LETTER_FACES, LETTER_PAINTS, harsh=1.0)


def strip(style: Style, label: int, roll: float, rng) -> np.ndarray:
    """Ink mask [BIG, BIG] of the wheel unrolled: `label` off centre by `roll` cells, its neighbours round it."""
    face = style.faces[rng.integers(len(style.faces))]
    pen = rng.uniform(0.10, 0.18)
    high = rng.uniform(0.58, 0.74) * BIG
    stretch = rng.uniform(0.85, 1.15)
    cell = high * rng.uniform(1.18, 1.40)
    shift_x = rng.uniform(-0.06, 0.06) * BIG
    mask = np.zeros((BIG, BIG), np.float32)
    for step in (-1, 0, 1):
        char = style.chars[(label + step) % len(style.chars)]
        ink = faces.ink(face, char, pen)
        h = int(round(high))
        w = int(np.clip(round(ink.shape[1] * high / ink.shape[0] * stretch), 6, BIG - 10))
        stamp = np.asarray(Image.fromarray((ink * 255).astype(np.uint8)).resize((w, h)), np.float32) / 255
        top = int(round(BIG / 2 - h / 2 + (step + roll) * cell))
        left = int(round((BIG - w) / 2 + shift_x))
        y0, y1 = max(top, 0), min(top + h, BIG)
        if y0 < y1:
            x0, x1 = max(left, 0), min(left + w, BIG)
            mask[y0:y1, x0:x1] = np.maximum(mask[y0:y1, x0:x1], stamp[y0 - top:y1 - top, x0 - left:x1 - left])
    return mask


def cylinder(mask: np.ndarray, bend: float) -> np.ndarray:
    """Rows of the strip as seen on a wheel: squeezed towards top and bottom. `bend` 0 flat .. 1 half a wheel."""
    if bend < 0.05:
        return mask
    y = (np.arange(BIG) + 0.5) / BIG * 2 - 1
    reach = np.sin(bend * np.pi / 2)
    source = np.arcsin(y * reach) / (bend * np.pi / 2)
    rows = np.clip((source + 1) / 2 * BIG - 0.5, 0, BIG - 1)
    low = np.floor(rows).astype(int)
    part = (rows - low)[:, None].astype(np.float32)
    return mask[low] * (1 - part) + mask[np.minimum(low + 1, BIG - 1)] * part


def cloud(rng, cells: int, size: int = BIG) -> np.ndarray:
    """Smooth random field [size, size] in 0..1 from a `cells` x `cells` grid."""
    grid = Image.fromarray(rng.integers(0, 256, (cells, cells), dtype=np.uint8))
    return np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC), np.float32) / 255


def wear(mask: np.ndarray, harsh: float, rng) -> np.ndarray:
    """Rub ink off in blotches and along scratches."""
    if rng.random() < 0.6 * harsh:
        mask = mask * (1 - harsh * rng.uniform(0.3, 0.95) * (cloud(rng, 14) > rng.uniform(0.6, 0.8)))
    if rng.random() < 0.4 * harsh:
        angle = rng.uniform(0, np.pi)
        y, x = np.mgrid[:BIG, :BIG]
        along = (x - BIG * rng.random()) * np.sin(angle) - (y - BIG * rng.random()) * np.cos(angle)
        mask = mask * (1 - 0.9 * (np.abs(along) < rng.uniform(0.7, 2.2)))
    return mask


def paint(mask: np.ndarray, style: Style, bend: float, rng) -> np.ndarray:
    """RGB [BIG, BIG, 3], 0..255: ink and paper mixed by the mask, dirt, and the shade of a curved surface."""
    weights = np.array([p[2] for p in style.paints])
    ink, paper, _ = style.paints[rng.choice(len(weights), p=weights / weights.sum())]
    ink = np.array(ink) + rng.normal(0, 10, 3)
    paper = np.array(paper) + rng.normal(0, 10, 3)
    fade = rng.uniform(0.0, 0.4) * style.harsh
    ink = ink * (1 - fade) + paper * fade
    image = mask[..., None] * ink + (1 - mask[..., None]) * paper
    if rng.random() < 0.5:
        image = image * (1 - style.harsh * rng.uniform(0.1, 0.45) * cloud(rng, 5)[..., None])
    y = (np.arange(BIG) + 0.5) / BIG * 2 - 1
    shade = np.cos(y * bend * np.pi / 2) ** rng.uniform(0.4, 1.2)
    return image * shade[:, None, None]


def frame(image: np.ndarray, harsh: float, rng) -> np.ndarray:
    """The window's edges: bars of one colour that intrude from some of the four sides, with a cast shadow."""
    tone = rng.uniform(10, 90) if rng.random() < 0.6 else rng.uniform(130, 220)
    colour = tone + rng.normal(0, 8, 3)
    for side in range(4):
        if rng.random() < 0.55 * harsh:
            depth = int(rng.uniform(0.02, 0.14) * BIG)
            turned = np.rot90(image, side)
            turned[:depth] = colour
            turned[depth:depth + 5] *= rng.uniform(0.5, 0.9)
    return image


def view(image: np.ndarray, rng) -> np.ndarray:
    """A hand-held look: small rotation, shear, scale and perspective."""
    turn = rng.normal(0, 0.07)
    shear = rng.normal(0, 0.05)
    zoom = rng.uniform(0.92, 1.14)
    px, py = rng.normal(0, 0.0009, 2)
    c, s = np.cos(turn) * zoom, np.sin(turn) * zoom
    half = BIG / 2
    a, b, d, e = c, -s + shear, s, c
    # With (u, v) measured from the centre the source is ((au + bv), (du + ev)) / (1 + px u + py v) + (cx, cy).
    cx, cy = half + rng.normal(0, 0.03, 2) * BIG
    w = 1 - (px + py) * half
    rows = (a + cx * px, b + cx * py, cx * w - (a + b) * half,
            d + cy * px, e + cy * py, cy * w - (d + e) * half, px, py)
    coefficients = [value / w for value in rows]
    picture = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
    edge = tuple(int(v) for v in np.clip(image.mean(axis=(0, 1)), 0, 255))
    out = picture.transform((BIG, BIG), Image.Transform.PERSPECTIVE, coefficients,
                            Image.Resampling.BILINEAR, fillcolor=edge)
    return np.asarray(out, np.float32)


def light(image: np.ndarray, harsh: float, rng) -> np.ndarray:
    """Exposure, a lighting gradient, a colour cast, and sometimes glare from the glass."""
    y, x = np.mgrid[:BIG, :BIG] / BIG - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    slope = 1 + harsh * rng.uniform(0, 0.7) * (x * np.cos(angle) + y * np.sin(angle))
    image = image * (rng.uniform(0.55, 1.1) * slope)[..., None] * (1 + rng.normal(0, 0.05, 3))
    if rng.random() < 0.4 * harsh:
        cx, cy = rng.uniform(-0.4, 0.4, 2)
        angle = rng.uniform(0, np.pi)
        u = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        v = -(x - cx) * np.sin(angle) + (y - cy) * np.cos(angle)
        spot = np.exp(-(u / rng.uniform(0.06, 0.14)) ** 2 - (v / rng.uniform(0.12, 0.6)) ** 2)
        image = image + (harsh * rng.uniform(60, 190) * spot)[..., None]
    return image + rng.uniform(0, 25)


def camera(image: np.ndarray, harsh: float, rng) -> np.ndarray:
    """Defocus, average down to [SIZE, SIZE, 3], sensor noise, and the 5-6-5 bits of a small camera module; uint8."""
    picture = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 0.5 + 2.5 * harsh)))
    small = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX), np.float32)
    small = small + rng.normal(0, rng.uniform(1.0, 1.0 + 6.0 * harsh), (SIZE, SIZE, 1))
    levels = np.clip(small, 0, 255).astype(np.uint8)
    bits = np.array([5, 6, 5], np.uint8)
    kept = levels >> (8 - bits)
    return (kept << (8 - bits)) | (kept >> (2 * bits - 8))


def render(style: Style, label: int, rng) -> np.ndarray:
    """One image, uint8 [SIZE, SIZE, 3] RGB, on which character `label` shows more of itself than any other."""
    harsh = style.harsh
    roll = rng.uniform(-0.4, 0.4) if rng.random() < 0.3 * harsh else rng.normal(0, 0.06)
    bend = rng.uniform(0.0, 0.55)
    mask = wear(cylinder(strip(style, label, roll, rng), bend), harsh, rng)
    image = frame(paint(mask, style, bend, rng), harsh, rng)
    return camera(light(view(image, rng), harsh, rng), harsh, rng)


def batch(style: Style, count: int, seed: int):
    """`count` images with labels in turn: uint8 [count, 32, 32, 3] and int64 [count]."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % len(style.chars)
    rng.shuffle(y)
    x = np.stack([render(style, int(label), rng) for label in y])
    return x, y.astype(np.int64)
