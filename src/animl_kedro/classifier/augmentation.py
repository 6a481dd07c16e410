"""Random changes of crops for training: each follows from a seed alone, and only what it shows is decoded.

The distribution is that of torchvision's transforms that a preset names.
"""

import math
import random
from dataclasses import dataclass
from typing import Literal

from animl_kedro.classifier.changes import Change, Square, changed
from animl_kedro.images import Photograph, Window

AugmentationName = Literal["cameratraps", "gentle"]

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


class Augmentation:
    """Turns crops into squares of `image_size` pixels, changed at random."""

    def __init__(self, name: AugmentationName, image_size: int) -> None:
        self._preset = PRESETS[name]
        self._image_size = image_size

    def __call__(self, crop: Photograph, seed: int) -> Square:
        """The square that a seed stands for. Raises UnreadableImageError where a crop is damaged."""
        return changed(crop, self.draw(crop.size, seed), self._image_size)

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
