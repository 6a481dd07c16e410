"""Crops of smooth colours, in a file and as a picture."""

import io

import numpy as np
from PIL import Image

from animl_kedro.images import Photograph


def make_crop(
    width: int = 60, height: int = 50, darkest: int = 0, brightest: int = 255
) -> tuple[Photograph, Image.Image]:
    """A crop and its picture, of (width, height) pixels in this range of levels."""
    rng = np.random.default_rng(width * height)
    small = Image.fromarray(rng.integers(darkest, brightest + 1, (7, 7, 3), dtype=np.uint8))
    picture, file = small.resize((width, height)), io.BytesIO()
    picture.save(file, "PNG")
    return Photograph(file.getvalue()), picture
