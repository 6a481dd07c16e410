"""The geometry of crops: which part of an image a crop shows, and which frame a box was drawn on."""

import math
from typing import Literal, NamedTuple

from animl_kedro.boxes import PixelBox, RelativeBox
from animl_kedro.images import Window

Size = tuple[int, int]
"""Width and height in pixels."""


class Fit(NamedTuple):
    """How the frame that boxes were drawn on fits a file: turned as the file is stored, or of another size."""

    turned: bool
    scaled: bool


def window_of(box: PixelBox, image_size: Size, shape: Literal["square", "pad", "tight"], margin: float) -> Window:
    """The part of an image that a crop shows.

    The window always holds the whole box, as far as the box is inside the frame. For "square" it is a square of the
    box's longer side (rounded outward), inside the frame unless the frame is smaller than the square; for "pad" a
    square centred on the box, which may reach beyond the frame; for "tight" the box. `margin` is added on each side,
    in fractions of the box's longer side; a tight box stays inside the frame.
    """
    width, height = image_size
    extra = margin * max(box.width, box.height)
    left, top = math.floor(box.left - extra), math.floor(box.top - extra)
    right, bottom = math.ceil(box.right + extra), math.ceil(box.bottom + extra)
    if shape == "tight":
        return max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    side = max(right - left, bottom - top)
    left -= (side - (right - left)) // 2
    top -= (side - (bottom - top)) // 2
    if shape == "square":
        left, top = _shifted(left, side, width), _shifted(top, side, height)
    return left, top, left + side, top + side


def overlaps(window: Window, box: PixelBox) -> bool:
    """Whether a window shows any of a box."""
    left, top, right, bottom = window
    return left < box.right and box.left < right and top < box.bottom and box.top < bottom


def fit_of(recorded: Size | None, upright: Size, stored: Size) -> Fit | None:
    """How boxes drawn on a picture of the recorded size fit a file, or None where they do not.

    Most exports record the size of the upright image, some that of the file as it is stored, before it is turned by
    its EXIF orientation; where both have the same size, the upright one is meant. A smaller or larger copy of the same
    picture fits, since boxes are fractions; a part of it does not.
    """
    if recorded is None or recorded == upright:
        return Fit(turned=False, scaled=False)
    if recorded == stored:
        return Fit(turned=True, scaled=False)
    for turned, real in ((False, upright), (True, stored)):
        if _is_copy(recorded, real):
            return Fit(turned, scaled=True)
    return None


def upright_box(box: RelativeBox, orientation: int) -> RelativeBox:
    """A box of an image as it is stored, in the image made upright by its EXIF orientation (1 to 8)."""
    left, top, right, bottom = box.left, box.top, box.left + box.width, box.top + box.height
    if orientation in (2, 3, 7, 8):
        left, right = 1 - right, 1 - left
    if orientation in (3, 4, 6, 7):
        top, bottom = 1 - bottom, 1 - top
    if orientation in (5, 6, 7, 8):
        left, top, right, bottom = top, left, bottom, right
    return RelativeBox(left, top, right - left, bottom - top)


def _shifted(start: int, side: int, frame: int) -> int:
    """Where a stretch of this side starts so that it lies inside the frame, or centred on a frame that is shorter."""
    return (frame - side) // 2 if side > frame else min(max(start, 0), frame - side)


def _is_copy(recorded: Size, real: Size) -> bool:
    """Whether one is the other scaled, both sides alike but for the rounding to a whole pixel of the smaller one."""
    (small_width, small_height), (width, height) = sorted((recorded, real))
    return abs(width * small_height - height * small_width) <= max(width, height)
