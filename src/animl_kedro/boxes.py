"""Boxes and the conversions between the conventions of the field. Nobody else converts.

============  =================================  ========
convention    order                              unit
============  =================================  ========
COCO          left, top, width, height           pixels
MegaDetector  left, top, width, height           fractions
Animl         ymin, xmin, ymax, xmax             fractions
============  =================================  ========
"""

import math
from typing import NamedTuple, Self


class PixelBox(NamedTuple):
    """Pixels of the upright image: left, top, width, height (COCO's order)."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of the box's right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The y of the box's lower edge."""
        return self.top + self.height

    def clipped(self, image_width: int, image_height: int) -> "PixelBox":
        """The part of the box inside an image; its width or height is 0 where nothing of it is inside."""
        if self.left >= 0 and self.top >= 0 and self.right <= image_width and self.bottom <= image_height:
            return self  # to the last bit, which right - left would not keep
        left, right = (min(max(x, 0.0), image_width) for x in (self.left, self.right))
        top, bottom = (min(max(y, 0.0), image_height) for y in (self.top, self.bottom))
        return PixelBox(left, top, right - left, bottom - top)

    def relative_to(self, image_width: int, image_height: int) -> "RelativeBox":
        """The same box in fractions of an image of this size."""
        return RelativeBox(
            self.left / image_width,
            self.top / image_height,
            self.width / image_width,
            self.height / image_height,
        )


class RelativeBox(NamedTuple):
    """Fractions of the upright image: left, top, width, height (MegaDetector's order)."""

    left: float
    top: float
    width: float
    height: float

    def in_pixels(self, image_width: int, image_height: int) -> PixelBox:
        """The same box in pixels of an image of this size, to a hundredth of a pixel.

        Fractions are written with six decimals: without rounding, a box of whole pixels would come back a hair wider.
        """
        return PixelBox(
            round(self.left * image_width, 2),
            round(self.top * image_height, 2),
            round(self.width * image_width, 2),
            round(self.height * image_height, 2),
        )

    @classmethod
    def from_animl(cls, ymin: float, xmin: float, ymax: float, xmax: float) -> Self:
        """The box of Animl's inference endpoint, [ymin, xmin, ymax, xmax] in fractions."""
        return cls(xmin, ymin, xmax - xmin, ymax - ymin)


def fault_of(left: float, top: float, width: float, height: float) -> str | None:
    """What is wrong with four numbers as a box, or None if they are one: finite, with an area."""
    if width > 0 and height > 0 and math.isfinite(left + top + width + height):
        return None
    numbers = (left, top, width, height)
    if not all(map(math.isfinite, numbers)):
        return f"box {list(numbers)} has a number that is not finite"
    if width <= 0 or height <= 0:
        return f"box {list(numbers)} has no area"
    return None
