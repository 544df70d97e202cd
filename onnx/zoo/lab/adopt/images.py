"""How the model reads an image, and the images it is calibrated with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .read import Unfit

NORMS = {"raw": (0.0, 1.0), "unit": (0.0, 255.0), "pm1": (127.5, 127.5)}
SAMPLES = 128


@dataclass(frozen=True)
class Reading:
    """The [preprocess] of a sidecar: (pixel - mean) / std, one pair per channel."""

    layout: str
    channels: int
    height: int
    width: int
    mean: tuple
    std: tuple

    def tensor(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [N, height, width, channels] as the model's input."""
        x = (pixels.astype(np.float32) - np.float32(self.mean)) / np.float32(self.std)
        return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if self.layout == "nchw" else x


def reading(shape, norm: str):
    """A Reading for an input of this shape, None where it is no image. `norm` a name, or MEAN:STD."""
    if norm in NORMS:
        mean, std = NORMS[norm]
    else:
        try:
            mean, std = (float(part) for part in norm.split(":"))
        except ValueError:
            raise Unfit(f"--norm {norm!r} is neither {', '.join(NORMS)} nor MEAN:STD") from None
        if not std:
            raise Unfit("--norm has a deviation of 0")
    if len(shape) != 4:
        return None
    _, a, b, c = shape
    for layout, channels, height, width in (("nchw", a, b, c), ("nhwc", c, a, b)):
        if channels in (1, 3) and height >= 2 and width >= 2:
            return Reading(layout, channels, height, width, (mean,) * channels, (std,) * channels)
    return None


def random_pixels(reading: Reading, count: int = SAMPLES, seed: int = 9) -> np.ndarray:
    """Smooth random images of every brightness and contrast: a stand-in where no real ones are given."""
    rng, out = np.random.default_rng(seed), []
    for _ in range(count):
        cells = int(rng.integers(2, 12))
        grid = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        picture = Image.fromarray(grid).resize((reading.width, reading.height), Image.Resampling.BICUBIC)
        pixels = np.asarray(picture, np.float32) * rng.uniform(0.3, 1) + rng.normal(0, 12 * rng.random(), (
            reading.height, reading.width, 3))
        out.append(np.clip(pixels, 0, 255).astype(np.uint8)[..., :reading.channels])
    return np.stack(out)


def _fitted(image: Image.Image, reading: Reading) -> np.ndarray:
    """One image in the model's size and colours."""
    picture = image.convert("L" if reading.channels == 1 else "RGB").resize((reading.width, reading.height))
    return np.asarray(picture).reshape(reading.height, reading.width, reading.channels)


def _from_folder(path: Path, reading: Reading, count: int) -> np.ndarray:
    """The first images under a folder, by name."""
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp"))[:count]
    if not files:
        raise Unfit(f"{path} holds no .png, .jpg or .bmp")
    return np.stack([_fitted(Image.open(file), reading) for file in files])


def calibration(given, shape, reading, count: int = SAMPLES) -> np.ndarray:
    """Inputs [N, ...] for the calibrator.

    `given` is a folder of images, or an .npz: its uint8 or int8 images (`x_train`, `x_test`, `x`, or the first) are
    resized and normalised, float arrays of the input's own shape are taken as they are. None: random images.
    """
    if given is None:
        if reading is None:
            return np.random.default_rng(9).normal(0, 1, (count, *shape[1:])).astype(np.float32)
        return reading.tensor(random_pixels(reading, count))
    if given.is_dir():
        if reading is None:
            raise Unfit("the model reads no images: give an .npz of float inputs")
        return reading.tensor(_from_folder(given, reading, count))
    try:
        with np.load(given) as npz:
            name = next((n for n in ("x_train", "x_test", "x") if n in npz.files), npz.files[0])
            x = npz[name][:count]
    except (OSError, ValueError, IndexError) as error:
        raise Unfit(f"{given} cannot be read as .npz: {error}") from None
    if x.dtype == np.int8 and reading is not None:
        # 8-bit inputs of quantised models are pixels minus 128.
        shape = (-1, reading.height, reading.width, reading.channels)
        x = (x.astype(np.int16) + 128).astype(np.uint8).reshape(shape)
    if x.dtype == np.uint8 and reading is not None and x.ndim == 4:
        pictures = [Image.fromarray(i[..., 0] if i.shape[-1] == 1 else i) for i in x]
        return reading.tensor(np.stack([_fitted(picture, reading) for picture in pictures]))
    if x[0].size != int(np.prod(shape[1:])):
        raise Unfit(f"{given}: {name} is {x.dtype} {list(x.shape)}; the model reads {list(shape)}")
    return x.astype(np.float32).reshape(-1, *shape[1:])
