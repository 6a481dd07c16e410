"""Crops to be changed."""

import io

import numpy as np
from PIL import Image

from animl_kedro.images import Photograph


def make_crop(
    width: int = 60, height: int = 50, darkest: int = 0, brightest: int = 255
) -> tuple[Photograph, Image.Image]:
    """A crop of smooth colours, and its picture."""
    rng = np.random.default_rng(width * height)
    small = Image.fromarray(rng.integers(darkest, brightest + 1, (7, 7, 3), dtype=np.uint8))
    picture, file = small.resize((width, height)), io.BytesIO()
    picture.save(file, "PNG")
    return Photograph(file.getvalue()), picture
