"""What the network sees of a crop."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from animl_kedro.classifier.backbones import IMAGENET_MEAN, IMAGENET_STD
from animl_kedro.classifier.preprocessing import Preprocessing


def make_picture(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(width * height)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("size", [(80, 50), (50, 80), (64, 64), (20, 30)])
def test_preprocessing_equals_the_reference_transforms(size: tuple[int, int]) -> None:
    reference = transforms.Compose(
        [
            transforms.Resize(48, interpolation=Image.Resampling.BICUBIC),
            transforms.CenterCrop(48),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    picture = make_picture(*size)
    assert torch.equal(Preprocessing(48)(picture), reference(picture))


def test_preprocessing_through_json_is_the_same() -> None:
    preprocessing = Preprocessing(300, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert Preprocessing.from_json(preprocessing.to_json()) == preprocessing
