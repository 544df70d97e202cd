"""Batch augmentation on pixels: float [B, 3, 32, 32] in 0..255 in, the same out.

Kinds: `pen` small affine only; `glyph` affine, then new ink and paper colours (inverted half of the
time), lighting slope and noise; `photo` affine, mirror, exposure; `scene` affine and exposure (the
renderer has varied the rest).
"""

import torch
import torch.nn.functional as nnf

STRENGTH = {"pen": (0.15, 0.10, 0.08), "glyph": (0.15, 0.15, 0.12), "photo": (0.10, 0.08, 0.10),
            "scene": (0.06, 0.08, 0.06)}


def affine(x, kind, g):
    """Random turn (rad), scale and shift (of the half width), each with the kind's standard deviation."""
    turn_sd, scale_sd, shift_sd = STRENGTH[kind]
    n = len(x)
    turn = torch.randn(n, generator=g) * turn_sd
    scale = 1 + torch.randn(n, generator=g).clamp(-2, 2) * scale_sd
    shift = torch.randn(n, 2, generator=g) * shift_sd
    c, s = torch.cos(turn) * scale, torch.sin(turn) * scale
    theta = torch.stack([torch.stack([c, -s, shift[:, 0]], 1), torch.stack([s, c, shift[:, 1]], 1)], 1)
    grid = nnf.affine_grid(theta, x.shape, align_corners=False)
    return nnf.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def recolour(x, g):
    """Treat a white-on-black glyph as an ink mask and mix two random colours at least 50 levels apart."""
    n = len(x)
    ink = torch.rand(n, 3, 1, 1, generator=g) * 60
    paper = 255 - torch.rand(n, 3, 1, 1, generator=g) * 60
    flip = (torch.rand(n, 1, 1, 1, generator=g) < 0.5).float()
    ink, paper = ink * (1 - flip) + paper * flip, paper * (1 - flip) + ink * flip
    contrast = 0.3 + 0.7 * torch.rand(n, 1, 1, 1, generator=g)
    middle = (ink + paper) / 2
    mask = x / 255
    image = middle + (mask * ink + (1 - mask) * paper - middle) * contrast
    ramp = torch.linspace(-0.5, 0.5, 32)
    slope = torch.randn(n, 2, 1, 1, generator=g) * 0.25
    image = image * (1 + slope[:, :1] * ramp.view(1, 1, 32, 1) + slope[:, 1:] * ramp.view(1, 1, 1, 32))
    return image + torch.randn(x.shape, generator=g) * 8 * torch.rand(n, 1, 1, 1, generator=g)


def expose(x, g):
    """Random gain and offset per image."""
    n = len(x)
    return x * (0.75 + 0.5 * torch.rand(n, 1, 1, 1, generator=g)) + torch.randn(n, 1, 1, 1, generator=g) * 10


def augment(x, kind, g):
    """Apply the augmentation of `kind` with the torch generator `g`."""
    x = affine(x, kind, g)
    if kind == "glyph":
        x = recolour(x, g)
    elif kind == "photo":
        mirror = torch.rand(len(x), generator=g) < 0.5
        x = torch.where(mirror.view(-1, 1, 1, 1), x.flip(3), x)
    if kind in ("photo", "scene"):
        x = expose(x, g)
    return x.clamp(0, 255)
