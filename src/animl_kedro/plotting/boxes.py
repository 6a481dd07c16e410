"""Boxes drawn on an image."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd
from PIL import ImageColor, ImageDraw, ImageFont
from PIL.Image import Image

from animl_kedro.boxes import PixelBox, RelativeBox
from animl_kedro.errors import InputError
from animl_kedro.tables import BoxUnit

SIDES = ["left", "top", "width", "height"]

COLOURS = ("#ffa90e", "#3f90da", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#92dadd")
"""Petroff's, which colour-blind people can tell apart; labels take them in alphabetical order."""

MIDDLE_GREY = 110
"""Of 255; on lighter colours, text is black."""


class _LabelledBox(NamedTuple):
    box: PixelBox
    label: str
    text: str


def draw_boxes(image: Image, rows: pd.DataFrame) -> Image:
    """A copy of an image with the boxes of these rows of `Annotations` or `Crops`, and their labels.

    Boxes are pixels of the image, or fractions of it where ``box_unit`` says so; rows without one, or with an infinite
    one, are left out. A confidence stands beside the label where there is one below 1. Raises InputError where a column
    is absent.
    """
    boxes = list(_boxes_of(rows, image.size))
    drawn = image.convert("RGB").copy()
    pen = ImageDraw.Draw(drawn)
    width = max(2, min(image.size) // 200)
    height = max(11, min(image.size) // 30)
    font = ImageFont.load_default(height)
    labels = sorted({box.label for box in boxes})
    for box, label, text in boxes:
        colour = COLOURS[labels.index(label) % len(COLOURS)]
        left, right = _near(box.left, box.right, drawn.width, width)
        top, bottom = _near(box.top, box.bottom, drawn.height, width)
        pen.rectangle((left, top, right, bottom), None, colour, width)
        corner = (max(left, 0), max(top - height - 2 * width, 0))
        pen.rectangle(pen.textbbox(corner, f" {text} ", font), colour)
        is_light = ImageColor.getcolor(colour, "L") > MIDDLE_GREY  # type: ignore[operator] # one number in this mode
        pen.text(corner, f" {text} ", "black" if is_light else "white", font)
    return drawn


def _near(start: float, end: float, size: int, margin: int) -> tuple[float, float]:
    """A side of a box, cut where it is out of sight: Pillow takes half a minute for one of a billion pixels."""
    start, end = (min(max(value, -margin), size + margin) for value in (start, end))
    return start, max(start, end)


def _boxes_of(rows: pd.DataFrame, size: tuple[int, int]) -> Iterator[_LabelledBox]:
    columns = [f"box_{side}" for side in SIDES]
    if absent := [name for name in [*columns, "label"] if name not in rows]:
        raise InputError(f"Boxes are drawn of rows of annotations or crops; these have no {', '.join(absent)}.")
    for row in rows.dropna(subset=columns).to_dict("records"):
        sides = [float(row[name]) for name in columns]
        is_relative = row.get("box_unit") == BoxUnit.FRACTION
        box = RelativeBox(*sides).in_pixels(*size) if is_relative else PixelBox(*sides)
        if not all(map(math.isfinite, box)):
            continue
        confidence = row.get("confidence")
        is_sure = confidence is None or pd.isna(confidence) or confidence == 1
        label = str(row["label"])
        yield _LabelledBox(box, label, label if is_sure else f"{label} {confidence:.2f}")
