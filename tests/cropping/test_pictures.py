"""Crops of a picture in memory and of its file."""

import io

import numpy as np
import pytest
from PIL import Image

from animl_kedro.boxes import PixelBox
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.cropping.pictures import OpenPicture, cut_as_stored
from animl_kedro.images import Photograph, open_image

BOXES = [PixelBox(10, 20, 60, 30), PixelBox(0, 0, 120, 90), PixelBox(100, 70, 20, 20), PixelBox(33.5, 12.25, 7.5, 40)]


def photograph() -> bytes:
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    small.resize((120, 90), Image.Resampling.BICUBIC).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


@pytest.mark.parametrize("shape", ["square", "pad", "tight"])
@pytest.mark.parametrize("max_side", [None, 40])
def test_crops_of_an_image_in_memory_are_those_of_its_file(shape: str, max_side: int | None) -> None:
    params = CroppingParams.model_validate({"shape": shape, "margin": 0.1, "max_side": max_side})
    data = photograph()
    of_file = cut_as_stored(Photograph(data), BOXES, params)
    of_image = cut_as_stored(OpenPicture(open_image(data)), BOXES, params)
    assert [crop.size for crop in of_file] == [crop.size for crop in of_image]
    for first, second in zip(of_file, of_image, strict=True):
        assert (np.asarray(first) == np.asarray(second)).all()
        assert max_side is None or max(first.size) <= max_side


def test_no_boxes_give_no_crops_and_decode_nothing() -> None:
    assert cut_as_stored(Photograph(photograph()[:-50]), [], CroppingParams()) == []
