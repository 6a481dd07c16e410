"""Photographs, of which only parts are decoded: the same pixels as a full decode gives, and the same refusals."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animl_kedro import images
from animl_kedro.images import Photograph, Window, open_image
from factories import coordinates, exif_of

SIZE = (200, 150)
TURNED = (SIZE[1], SIZE[0])
WINDOWS: dict[str, Window] = {
    "centre": (90, 60, 110, 85),
    "left edge": (0, 50, 30, 80),
    "top edge": (60, 0, 90, 30),
    "right edge": (120, 50, 150, 80),
    "bottom edge": (60, 120, 90, 150),
    "top left corner": (0, 0, 40, 40),
    "bottom right corner": (110, 110, 150, 150),
    "one pixel": (77, 33, 78, 34),
    "whole width": (0, 70, 150, 80),
    "beyond the top left": (-20, -10, 30, 20),
    "beyond the bottom right": (100, 100, 260, 260),
    "around the frame": (-10, -10, 210, 210),
    "outside the frame": (400, 400, 420, 430),
}
"""Windows of a frame of 150 × 150 at least, edges counted from there."""


def encoded(image: Image.Image, image_format: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def photograph_like(size: tuple[int, int] = SIZE, seed: int = 0) -> Image.Image:
    """Coordinates with noise and colour that changes from pixel to pixel, which borders of chroma blocks smear."""
    noise = np.random.default_rng(seed).integers(-60, 60, (size[1], size[0], 3))
    pixels = np.asarray(coordinates((min(size[0], 256), size[1])).resize(size)).astype(int) + noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def assert_same(crops: list[Image.Image], expected: list[Image.Image]) -> None:
    assert [crop.mode for crop in crops] == ["RGB"] * len(expected)
    for crop, image in zip(crops, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(crop), np.asarray(image))


@pytest.fixture(params=["regions", "whole"], autouse=True)
def _decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test with the decoder of regions and without it."""
    if request.param == "whole":
        monkeypatch.setattr(images, "DECODE_REGION", None)
    elif images.DECODE_REGION is None:
        pytest.skip("animl_kedro._jpeg_region is not built")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_crop_with_an_orientation_gives_the_upright_pixels_of_the_window(orientation: int, window: Window) -> None:
    data = encoded(photograph_like(), quality=90, exif=exif_of(orientation))
    photograph = Photograph(data)
    assert photograph.orientation == orientation
    assert photograph.stored_size == SIZE
    assert photograph.size == (TURNED if orientation >= 5 else SIZE)
    assert_same(photograph.crop([window]), [open_image(data).crop(window)])
