"""From a crop to what the network sees."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL.Image import Image, Resampling

from animl_kedro.classifier.backbone import IMAGENET_MEAN, IMAGENET_STD, Interpolation
from animl_kedro.classifier.backbones import backbone_named

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Preprocessing:
    """Resize the shorter side, crop the centre, scale to 0–1, normalise. What Animl's endpoint does, bicubic.

    ``image_size`` is the side of the square in pixels; ``mean`` and ``std`` are per channel, of values in 0–1.
    """

    image_size: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: Interpolation = "bicubic"

    @classmethod
    def of(cls, backbone: str, image_size: int | None = None) -> Preprocessing:
        """What a backbone wants, by its name; `image_size` is in the place of the size that it was designed for."""
        wanted = backbone_named(backbone)
        return cls(image_size or wanted.image_size, wanted.mean, wanted.std, wanted.interpolation)

    def __call__(self, image: Image) -> torch.Tensor:
        """Turn an RGB image into a normalised (3, image_size, image_size) float32 tensor."""
        import torch  # noqa: PLC0415 - takes seconds

        return self.normalise_batch(torch.from_numpy(np.array(self.square(image)))[None])[0]

    def square(self, image: Image) -> Image:
        """The part of an RGB image that the network sees, image_size pixels wide and high.

        Source: torchvision's Resize and CenterCrop, which give the same pixels.
        """
        size = self.image_size
        shorter = min(image.size)
        width, height = (size if side == shorter else int(size * side / shorter) for side in image.size)
        left, top = round((width - size) / 2), round((height - size) / 2)
        resized = image.resize((width, height), Resampling[self.interpolation.upper()])
        return resized.crop((left, top, left + size, top + size))

    def normalise_batch(self, squares: torch.Tensor) -> torch.Tensor:
        """Scale (n, height, width, 3) uint8 pixels to 0–1 and normalise them, on the device that they are on.

        The (n, 3, height, width) float32 tensor has its channels last in memory, as networks are fastest.
        """
        import torch  # noqa: PLC0415 - takes seconds

        count, height, width, channels = squares.shape
        # whole rows, since three numbers at a time are too few for a processor's vectors
        mean, std = (torch.tensor(values, device=squares.device).repeat(width) for values in (self.mean, self.std))
        rows = squares.view(count, height, width * channels).float().div_(255).sub_(mean).div_(std)
        return rows.view(count, height, width, channels).permute(0, 3, 1, 2)

    def to_json(self) -> dict[str, Any]:
        """The preprocessing as JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Preprocessing:
        """The preprocessing that `to_json` wrote; before there were others, interpolation was bicubic."""
        interpolation = content.get("interpolation", "bicubic")
        return cls(int(content["image_size"]), tuple(content["mean"]), tuple(content["std"]), interpolation)
