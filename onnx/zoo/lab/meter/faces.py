"""Typefaces: which fonts the digits use, which the letters use, and a glyph as a tight mask.

Fonts are those bundled with matplotlib (DejaVu, STIX, Computer Modern); digits and letters share no face.
"""

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from . import strokes

DIGIT_FACES = ("strokes", "DejaVuSans-Bold", "DejaVuSansMono-Bold", "DejaVuSans", "strokes-wide")
LETTER_FACES = ("STIXGeneralBol", "cmb10", "cmss10", "cmtt10", "DejaVuSerif-Bold", "DejaVuSansMono-Oblique",
                "DejaVuSerif", "DejaVuSans-BoldOblique")
GLYPH_PX = 64


@lru_cache(maxsize=None)
def _font(face: str) -> ImageFont.FreeTypeFont:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / f"{face}.ttf"), GLYPH_PX * 2)


@lru_cache(maxsize=None)
def glyph(face: str, char: str, pen: float = 0.14) -> Image.Image:
    """Tight mask ("L") of one character, `GLYPH_PX` high, natural width."""
    if face.startswith("strokes"):
        return strokes.draw(char, GLYPH_PX, pen, 0.72 if face.endswith("wide") else 0.58)
    canvas = Image.new("L", (GLYPH_PX * 4, GLYPH_PX * 4), 0)
    ImageDraw.Draw(canvas).text((GLYPH_PX, GLYPH_PX // 2), char, font=_font(face), fill=255)
    tight = canvas.crop(canvas.getbbox())
    width = max(4, round(tight.width * GLYPH_PX / tight.height))
    return tight.resize((min(width, GLYPH_PX), GLYPH_PX), Image.Resampling.BOX)


def ink(face: str, char: str, pen: float) -> np.ndarray:
    """The same mask as float32 [GLYPH_PX, w], 0 paper .. 1 ink."""
    return np.asarray(glyph(face, char, round(pen, 2)), dtype=np.float32) / 255.0
