"""A digit face of our own: each digit is a few smooth pen strokes, drawn with a round pen."""

import numpy as np
from PIL import Image, ImageDraw

# Control points in a box 0..1 wide and 0..1 high, y down; one list per stroke.
# A stroke whose last flag is True is closed; "line" strokes keep their corners.
STROKES = {
    "0": [("curve", True, [(0.5, 0.0), (0.95, 0.2), (0.95, 0.8), (0.5, 1.0), (0.05, 0.8), (0.05, 0.2)])],
    "1": [("line", False, [(0.2, 0.25), (0.6, 0.0), (0.6, 1.0)])],
    "2": [("curve", False, [(0.08, 0.25), (0.5, 0.0), (0.92, 0.28), (0.6, 0.6), (0.05, 1.0)]),
          ("line", False, [(0.05, 1.0), (0.95, 1.0)])],
    "3": [("curve", False, [(0.1, 0.15), (0.5, 0.0), (0.88, 0.24), (0.45, 0.48)]),
          ("curve", False, [(0.45, 0.48), (0.95, 0.72), (0.5, 1.0), (0.06, 0.84)])],
    "4": [("line", False, [(0.72, 1.0), (0.72, 0.0), (0.03, 0.7), (0.98, 0.7)])],
    "5": [("line", False, [(0.88, 0.0), (0.2, 0.0), (0.14, 0.45)]),
          ("curve", False, [(0.14, 0.45), (0.55, 0.36), (0.93, 0.68), (0.5, 1.0), (0.06, 0.86)])],
    "6": [("curve", False, [(0.8, 0.02), (0.3, 0.25), (0.06, 0.68)]),
          ("curve", True, [(0.06, 0.68), (0.5, 0.42), (0.94, 0.7), (0.5, 1.0)])],
    "7": [("line", False, [(0.04, 0.0), (0.96, 0.0), (0.38, 1.0)])],
    "8": [("curve", True, [(0.5, 0.0), (0.86, 0.23), (0.5, 0.46), (0.14, 0.23)]),
          ("curve", True, [(0.5, 0.46), (0.96, 0.73), (0.5, 1.0), (0.04, 0.73)])],
    "9": [("curve", True, [(0.94, 0.32), (0.5, 0.58), (0.06, 0.3), (0.5, 0.0)]),
          ("curve", False, [(0.94, 0.32), (0.7, 0.75), (0.2, 0.98)])],
}


def smooth(points, closed, steps=8):
    """Catmull-Rom through the control points: a list of (x, y) in the same unit."""
    p = np.asarray(points, dtype=float)
    n = len(p)
    out = []
    for i in range(n if closed else n - 1):
        if closed:
            a, b, c, d = p[(i - 1) % n], p[i], p[(i + 1) % n], p[(i + 2) % n]
        else:
            a, b, c, d = p[max(i - 1, 0)], p[i], p[i + 1], p[min(i + 2, n - 1)]
        for t in np.arange(steps) / steps:
            out.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                              + (3 * b - a - 3 * c + d) * t**3))
    out.append(p[0] if closed else p[-1])
    return [tuple(q) for q in out]


def draw(char: str, height: int, pen: float, width_ratio: float) -> Image.Image:
    """Mask ("L", 0..255) of one digit `height` pixels high; `pen` is the stroke width over the height."""
    pen_px = max(2, round(pen * height))
    width = round(height * width_ratio)
    image = Image.new("L", (width + 2, height + 2), 0)
    pencil = ImageDraw.Draw(image)
    inner_w, inner_h = width - pen_px, height - pen_px
    for kind, closed, points in STROKES[char]:
        path = smooth(points, closed) if kind == "curve" else points
        path = [(1 + pen_px / 2 + x * inner_w, 1 + pen_px / 2 + y * inner_h) for x, y in path]
        pencil.line(path, fill=255, width=pen_px, joint="curve")
        for x, y in path:
            r = pen_px / 2
            pencil.ellipse((x - r, y - r, x + r, y + r), fill=255)
    return image
