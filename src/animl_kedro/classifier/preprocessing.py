"""From a crop to what the network sees: for evaluation always the same, for training with augmentation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from animl_kedro.classifier.backbone import IMAGENET_MEAN, IMAGENET_STD, Interpolation
from animl_kedro.classifier.backbones import backbone_named

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

AugmentationName = Literal["cameratraps", "gentle"]


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
        """Turn an RGB image into a (3, image_size, image_size) float32 tensor."""
        return self.normalise(self.square(image))

    def square(self, image: Image) -> Image:
        """The part of an RGB image that the network sees, image_size pixels wide and high."""
        from torchvision.transforms import InterpolationMode, functional  # noqa: PLC0415 - takes seconds

        resized = functional.resize(image, [self.image_size], InterpolationMode(self.interpolation))
        square: Image = functional.center_crop(resized, [self.image_size])
        return square

    def normalise(self, image: Image) -> torch.Tensor:
        """Turn an RGB image of the right size into a normalised (3, height, width) float32 tensor."""
        from torchvision.transforms import functional  # noqa: PLC0415 - takes seconds

        tensor: torch.Tensor = functional.normalize(functional.to_tensor(image), list(self.mean), list(self.std))
        return tensor

    def normalise_batch(self, squares: torch.Tensor) -> torch.Tensor:
        """Turn (n, height, width, 3) uint8 pixels into what `normalise` makes of each, on the device they are on.

        The (n, 3, height, width) float32 tensor has its channels last in memory, as networks are fastest.
        """
        import torch  # noqa: PLC0415 - takes seconds

        mean, std = (torch.tensor(values, device=squares.device).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return squares.permute(0, 3, 1, 2).float().div_(255).sub_(mean).div_(std)

    def to_json(self) -> dict[str, Any]:
        """The preprocessing as JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Preprocessing:
        """The preprocessing that `to_json` wrote; before there were others, interpolation was bicubic."""
        interpolation = content.get("interpolation", "bicubic")
        return cls(int(content["image_size"]), tuple(content["mean"]), tuple(content["std"]), interpolation)


class Augmentation:
    """The same for training: random pieces, turns, flips and colours, then the preprocessing's normalisation."""

    def __init__(self, name: AugmentationName, preprocessing: Preprocessing) -> None:
        from torchvision import transforms  # noqa: PLC0415 - takes seconds

        presets = {
            # Source: CameraTraps, classification/train_classifier.py, create_dataloaders.
            "cameratraps": lambda: [
                transforms.RandomResizedCrop(preprocessing.image_size),
                transforms.RandomRotation((-90, 90)),
                transforms.RandomHorizontalFlip(0.5),
                transforms.RandomVerticalFlip(0.1),
                transforms.RandomGrayscale(0.1),
                transforms.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25),
            ],
            # Animals do not stand on their heads, and the crop is known to show one whole.
            "gentle": lambda: [
                transforms.RandomResizedCrop(preprocessing.image_size, scale=(0.5, 1.0), ratio=(0.8, 1.25)),
                transforms.RandomHorizontalFlip(0.5),
                transforms.RandomGrayscale(0.2),
                transforms.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25),
            ],
        }
        self._augment = transforms.Compose(presets[name]())
        self._preprocessing = preprocessing

    def __call__(self, image: Image) -> torch.Tensor:
        """Turn an RGB image into a (3, image_size, image_size) float32 tensor, at random by torch's generator."""
        return self._preprocessing.normalise(self._augment(image))
