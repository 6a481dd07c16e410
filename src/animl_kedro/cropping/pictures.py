"""From a picture and its boxes to the pixels of crops."""

import io
from collections.abc import Sequence
from typing import Protocol

from PIL import Image

from animl_kedro.boxes import PixelBox
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.cropping.windows import Size, window_of
from animl_kedro.images import Window, open_image


class Picture(Protocol):
    """Whatever windows can be cut out of: an image in memory, or a `Photograph`, which decodes only what is cut."""

    @property
    def size(self) -> Size:
        """Width and height in pixels, upright."""
        ...

    def crop(self, windows: Sequence[Window]) -> list[Image.Image]:
        """The pixels of each window, in RGB; black where a window reaches beyond the frame."""
        ...


class OpenPicture:
    """An upright RGB image in memory."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self.size: Size = image.size

    def crop(self, windows: Sequence[Window]) -> list[Image.Image]:
        """The pixels of each window; black where it reaches beyond the frame."""
        return [self._image.crop(window) for window in windows]


def cut(picture: Picture, windows: Sequence[Window], params: CroppingParams) -> list[Image.Image]:
    """The pixels of windows as crops have them: their longer side at most `max_side` long."""
    crops = picture.crop(windows) if windows else []
    if params.max_side:
        for crop in crops:
            crop.thumbnail((params.max_side, params.max_side), Image.Resampling.LANCZOS)
    return crops


def cut_as_stored(picture: Picture, boxes: Sequence[PixelBox], params: CroppingParams) -> list[Image.Image]:
    """The crops of boxes as they are read from their files: a JPEG is not quite the picture that it was made of."""
    windows = [window_of(box, picture.size, params.shape, params.margin) for box in boxes]
    return [_through_jpeg(crop, params.jpeg_quality) for crop in cut(picture, windows, params)]


def _through_jpeg(crop: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    crop.save(buffer, format="JPEG", quality=quality)
    return open_image(buffer.getvalue())
