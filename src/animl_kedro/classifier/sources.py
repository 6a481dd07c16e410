"""What `Classifier.predict` takes for an image, and for boxes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from animl_kedro.boxes import PixelBox, RelativeBox, fault_of
from animl_kedro.cropping.pictures import OpenPicture, Picture
from animl_kedro.errors import InputError
from animl_kedro.images import Photograph, UnreadableImageError, open_image, upright

ImageLike = str | Path | Image.Image | np.ndarray
Box = Sequence[float]
"""Fractions of an image's width and height: left, top, width, height."""

Boxes = Sequence[Box]
"""The boxes of an image."""

ORDER = (
    "Expected are fractions of the upright image in MegaDetector's order, [left, top, width, height]; Animl's [ymin, "
    "xmin, ymax, xmax] become such a box by RelativeBox.from_animl(ymin, xmin, ymax, xmax)."
)


def as_image(source: ImageLike) -> Image.Image:
    """The upright RGB image of a path, a Pillow image or an array.

    Raises UnreadableImageError with the path where a file is not a whole image, and InputError where an array is none.
    """
    if isinstance(source, str | Path):
        try:
            return open_image(Path(source))
        except UnreadableImageError as error:
            raise UnreadableImageError(f"{source}: {error}") from error
    return upright(_from_array(source) if isinstance(source, np.ndarray) else _checked(source))


def as_picture(source: ImageLike) -> Picture:
    """The same, of which only parts will be looked at: of a file only these are decoded."""
    if not isinstance(source, str | Path):
        return OpenPicture(as_image(source))
    try:
        return Photograph(Path(source).read_bytes())
    except OSError as error:
        raise UnreadableImageError(f"cannot be read: {error.strerror}") from error


def name_of(source: ImageLike, number: int) -> str:
    """What an image is called in errors: its path, or its number among others."""
    return str(source) if isinstance(source, str | Path) else f"image {number}"


def as_several(images: ImageLike | Sequence[ImageLike]) -> Sequence[ImageLike]:
    """The images, be it one or several."""
    if isinstance(images, str | Path | Image.Image):
        return [images]
    if isinstance(images, np.ndarray):
        return list(images) if images.ndim == 4 else [images]
    return images


def boxes_by_image(
    boxes: Box | Boxes | Sequence[Boxes], images: ImageLike | Sequence[ImageLike], count: int
) -> list[Boxes]:
    """The boxes of each of `count` images; one image may have its own boxes, or its one box, without a list around.

    Raises InputError where there are not boxes for each image.
    """
    is_one = isinstance(images, str | Path | Image.Image) or (isinstance(images, np.ndarray) and images.ndim != 4)
    if is_one:
        is_box = len(boxes) == 4 and all(np.ndim(side) == 0 for side in boxes)
        return [[boxes]] if is_box else [boxes]  # type: ignore[list-item] # told apart just now
    if len(boxes) != count:
        raise InputError(f"There are {count} images and boxes for {len(boxes)}: expected a list of boxes for each.")
    return list(boxes)  # type: ignore[arg-type]


def in_pixels(boxes: Boxes, picture: Picture, where: str) -> list[PixelBox]:
    """The boxes inside an image in pixels. Raises InputError that names a box that is none, or shows nothing of it."""
    return [_in_pixels(box, picture.size, f"box {number} of {where}") for number, box in enumerate(boxes)]


def _in_pixels(box: Box, size: tuple[int, int], where: str) -> PixelBox:
    try:
        relative = RelativeBox(*map(float, box))
    except (TypeError, ValueError):
        raise InputError(f"{where} is {box!r}. {ORDER}") from None
    if fault := fault_of(*relative):
        raise InputError(f"{where}: {fault}. {ORDER}")
    pixels = relative.in_pixels(*size).clipped(*size)
    if min(pixels.width, pixels.height) <= 0:
        width, height = size
        raise InputError(f"{where}, {list(relative)}, shows nothing of the {width} × {height} image. {ORDER}")
    return pixels


def _from_array(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8:
        raise InputError(
            f"An array of {array.dtype} is no image here: expected uint8, 0 to 255. Fractions become such an array by "
            "(255 * array).round().astype('uint8')."
        )
    pixels = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    is_image = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if not is_image or 0 in pixels.shape:
        raise InputError(
            f"An array of the shape {array.shape} is no image here: expected (height, width, 3) in the order red, "
            "green, blue, or (height, width) of grey."
        )
    return Image.fromarray(pixels)


def _checked(source: object) -> Image.Image:
    if not isinstance(source, Image.Image):
        raise InputError(
            f"A {type(source).__name__} is no image here: expected a path, a Pillow image or a uint8 array, or a list "
            "of these."
        )
    return source
