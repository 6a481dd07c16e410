"""Random changes of crops for training: each follows from a seed alone, and only what it shows is decoded.

The distribution is torchvision's, of the transforms that a preset names, and so are the pixels up to the colours.
Brightness, contrast and saturation are one change of each pixel here, three in torchvision, which rounds and cuts off
at 0 and 255 after each; without that their order makes no difference.
"""

import math
import random
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from PIL import Image

from animl_kedro.images import Photograph, Window

AugmentationName = Literal["cameratraps", "gentle"]

LUMA = (0.299, 0.587, 0.114)
"""How much red, green and blue count for grey. Source: ITU-R BT.601, as in Pillow."""

ATTEMPTS = 10
"""Pieces that are drawn until one lies within the crop. Source: torchvision, RandomResizedCrop."""


@dataclass(frozen=True)
class Preset:
    """What is drawn from: ranges are uniform, ``ratio``'s by its logarithm, and the others are probabilities.

    ``area`` is the share of a crop that is shown, ``ratio`` the piece's width by its height, ``degrees`` the largest
    turn to either side, ``jitter`` the most by which brightness, contrast and saturation differ from 1.
    """

    area: tuple[float, float]
    ratio: tuple[float, float]
    degrees: float
    mirrored: float
    upside_down: float
    grey: float
    jitter: float


PRESETS: dict[AugmentationName, Preset] = {
    # Source: CameraTraps, classification/train_classifier.py, create_dataloaders.
    "cameratraps": Preset((0.08, 1.0), (3 / 4, 4 / 3), 90, 0.5, 0.1, 0.1, 0.25),
    # Animals do not stand on their heads, and the crop is known to show one whole.
    "gentle": Preset((0.5, 1.0), (0.8, 1.25), 0, 0.5, 0, 0.2, 0.25),
}


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


class Augmentation:
    """Turns crops into squares of `image_size` pixels, changed at random."""

    def __init__(self, name: AugmentationName, image_size: int) -> None:
        self._preset = PRESETS[name]
        self._image_size = image_size

    def __call__(self, crop: Photograph, seed: int) -> Image.Image:
        """The change that a seed stands for, as an RGB image. Raises UnreadableImageError where a crop is damaged."""
        return self.change(crop, self.draw(crop.size, seed))

    def draw(self, size: tuple[int, int], seed: int) -> Change:
        """Draw a change of a crop of this width and height in pixels."""
        rng = random.Random(seed)  # noqa: S311 - it need not be secret, and starts faster than numpy's
        preset = self._preset
        window = _draw_window(size, preset, rng)
        jitter = (max(1 - preset.jitter, 0), 1 + preset.jitter)
        return Change(
            window,
            rng.uniform(-preset.degrees, preset.degrees),
            rng.random() < preset.mirrored,
            rng.random() < preset.upside_down,
            rng.random() < preset.grey,
            rng.uniform(*jitter),
            rng.uniform(*jitter),
            rng.uniform(*jitter),
        )

    def change(self, crop: Photograph, change: Change) -> Image.Image:
        """Change a crop so. Raises UnreadableImageError where it is damaged."""
        square = crop.crop([change.window])[0].resize((self._image_size, self._image_size), Image.Resampling.BILINEAR)
        if change.degrees:
            square = square.rotate(change.degrees)
        if change.mirrored:
            square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if change.upside_down:
            square = square.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        return square.convert("RGB", colour_matrix(change, _mean_grey(square)))


def colour_matrix(change: Change, mean_grey: float) -> tuple[float, ...]:
    """Three rows of what red, green and blue count for, and what is added, as `PIL.Image.Image.convert` takes them.

    Contrast moves colours away from the image's mean grey (0–255), saturation away from the pixel's own.
    """
    saturation = 0.0 if change.grey else change.saturation
    gain = change.brightness * change.contrast
    added = change.brightness * (1 - change.contrast) * mean_grey
    greyed = [gain * (1 - saturation) * share for share in LUMA]
    kept = gain * saturation
    return tuple(
        number
        for row in range(3)
        for number in (*(share + kept * (row == column) for column, share in enumerate(greyed)), added)
    )


def _mean_grey(image: Image.Image) -> float:
    """The mean of an RGB image in grey, to half a level."""
    mean: Any = image.reduce(image.size).getpixel((0, 0))
    red, green, blue = LUMA
    return float(red * mean[0] + green * mean[1] + blue * mean[2])


def _draw_window(size: tuple[int, int], preset: Preset, rng: random.Random) -> Window:
    """A piece of a crop. Source: torchvision, RandomResizedCrop.get_params."""
    width, height = size
    for _ in range(ATTEMPTS):
        area = width * height * rng.uniform(*preset.area)
        ratio = math.exp(rng.uniform(*map(math.log, preset.ratio)))
        piece = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < piece[0] <= width and 0 < piece[1] <= height:
            left, top = rng.randint(0, width - piece[0]), rng.randint(0, height - piece[1])
            return left, top, left + piece[0], top + piece[1]
    narrowest, widest = preset.ratio
    piece = min(width, round(height * widest)), min(height, round(width / narrowest))
    left, top = (width - piece[0]) // 2, (height - piece[1]) // 2
    return left, top, left + piece[0], top + piece[1]
