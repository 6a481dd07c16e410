"""What becomes of a crop for training: a square of a piece of it, turned, mirrored, and with other colours.

Pieces, turns and flips give the pixels of torchvision's transforms: Pillow the very same, and the extension up to a
level where it resizes, since it rounds in another order. Brightness, contrast and saturation are one change of each
pixel here, three in torchvision, which rounds and cuts off at 0 and 255 after each; without that their order makes no
difference.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from animl_kedro.images import Photograph, Window

LUMA = (0.299, 0.587, 0.114)
"""How much red, green and blue count for grey. Source: ITU-R BT.601, as in Pillow."""

FIXED = 1 << 16
"""A pixel, in the fixed-point numbers that tell positions. Source: Pillow, Geometry.c, affine_fixed."""

Square = NDArray[np.uint8]
"""(side, side, 3) pixels in RGB."""

Turn = tuple[int, int, int, int, int, int]
Matrix = tuple[float, float, float, float, float, float, float, float, float]


class Change(NamedTuple):
    """What becomes of a crop, in this order. ``degrees`` is counter-clockwise; corners that it leaves are black."""

    window: Window
    degrees: float
    mirrored: bool
    upside_down: bool
    grey: bool
    brightness: float
    contrast: float
    saturation: float


def _find_extension() -> Callable[..., bytes] | None:
    try:
        from animl_kedro.classifier._changed_square import changed_square  # noqa: PLC0415
    except ImportError:
        return None
    return changed_square


CHANGED_SQUARE = _find_extension()
"""All that happens to the pixels, at once; None where it could not be built, and Pillow does one after the other."""


def changed(crop: Photograph, change: Change, side: int) -> Square:
    """The square of a crop, changed so. Raises UnreadableImageError where the crop is damaged."""
    left, top, right, bottom = change.window
    if CHANGED_SQUARE is None:
        return _changed_by_pillow(crop.crop([change.window])[0], change, side)
    pixels = CHANGED_SQUARE(
        crop.pixels(change.window),
        (right - left, bottom - top),
        side,
        turn_of(change, side),
        colour_matrix(change),
        LUMA,
        share_of_mean(change),
    )
    return np.frombuffer(pixels, np.uint8).reshape(side, side, 3)


def _changed_by_pillow(piece: Image.Image, change: Change, side: int) -> Square:
    square = piece.resize((side, side), Image.Resampling.BILINEAR)
    if change.degrees:
        square = square.rotate(change.degrees)
    if change.mirrored:
        square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if change.upside_down:
        square = square.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    means = np.asarray(square).reshape(-1, 3).sum(axis=0) / side**2
    added = share_of_mean(change) * sum(share * float(mean) for share, mean in zip(LUMA, means, strict=True))
    matrix = colour_matrix(change)
    return np.asarray(square.convert("RGB", (*matrix[:3], added, *matrix[3:6], added, *matrix[6:], added)))


def turn_of(change: Change, side: int) -> Turn:
    """Where the pixels of the square come from: the position of the first one, x and y, in `FIXED`, and the steps.

    The steps are those to the next pixel, then to the next row. It is the turn around the centre of
    PIL.Image.Image.rotate, and the flips after it.
    """
    angle = -math.radians(change.degrees % 360)
    cosine, sine, centre = round(math.cos(angle), 15), round(math.sin(angle), 15), side / 2
    x, y = centre - cosine * centre - sine * centre, centre + sine * centre - cosine * centre
    across, down = (_fixed(cosine), _fixed(-sine)), (_fixed(sine), _fixed(cosine))
    start = _fixed(x + (cosine + sine) / 2), _fixed(y + (cosine - sine) / 2)
    if change.mirrored:
        start, across = _last(start, across, side), _back(across)
    if change.upside_down:
        start, down = _last(start, down, side), _back(down)
    return *start, *across, *down


def _fixed(length: float) -> int:
    return math.floor(length * FIXED + 0.5)


def _last(start: tuple[int, int], step: tuple[int, int], side: int) -> tuple[int, int]:
    return start[0] + step[0] * (side - 1), start[1] + step[1] * (side - 1)


def _back(step: tuple[int, int]) -> tuple[int, int]:
    return -step[0], -step[1]


def colour_matrix(change: Change) -> Matrix:
    """Three rows of what red, green and blue count for: saturation moves colours away from the pixel's own grey."""
    saturation = 0.0 if change.grey else change.saturation
    gain = change.brightness * change.contrast
    greyed = [gain * (1 - saturation) * share for share in LUMA]
    kept = gain * saturation
    red, green, blue = greyed
    return red + kept, green, blue, red, green + kept, blue, red, green, blue + kept


def share_of_mean(change: Change) -> float:
    """How much of the square's mean grey is added to each colour: contrast moves them away from it."""
    return change.brightness * (1 - change.contrast)
