"""What a classifier has to know of a network before it is built."""

from dataclasses import dataclass
from typing import Literal

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Interpolation = Literal["bicubic", "bilinear"]


@dataclass(frozen=True)
class Backbone:
    """A network of the registry, and how it wants its images.

    ``image_size`` is the side in pixels that it was designed for; ``mean`` and ``std`` are per channel, of values in
    0–1; ``interpolation`` is how images are resized. Other libraries resize to a little more than ``image_size`` and
    cut the margin off, which is not done here: crops show one animal, whole.
    """

    name: str
    image_size: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: Interpolation = "bicubic"
