"""The network at work while threads open images."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from animl_kedro.classifier.prediction import CPU_BATCH, Predictor
from animl_kedro.classifier.preprocessing import Preprocessing


class MeanColour(nn.Module):
    """Takes the mean of each channel for the logit of a class."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(images))
        if len(images) > 5:
            self.too_large()
        return images.mean(dim=(2, 3))

    def too_large(self) -> None:
        """Nothing is, on a CPU."""


class SmallMemory(MeanColour):
    def too_large(self) -> None:
        raise torch.OutOfMemoryError


def picture(number: int) -> Image.Image:
    return Image.new("RGB", (40 + number % 3, 36), (number, 2 * number, 0))


def predictor(network: nn.Module) -> Predictor:
    return Predictor(network, Preprocessing(32), n_classes=3)


def test_logits_come_item_by_item_in_order_whatever_the_number_of_their_images() -> None:
    counts = [1, 0, 3, 40, 0, 2, 0]
    pictures = iter(picture(number) for number in range(sum(counts)))
    items = [(name, [next(pictures) for _ in range(count)]) for name, count in zip("abcdefg", counts, strict=True)]
    found = list(predictor(MeanColour()).logits(items, lambda item: item))
    assert [(name, len(logits)) for name, logits in found] == list(zip("abcdefg", counts, strict=True))
    got = np.concatenate([logits for _, logits in found])
    expected = [Preprocessing(32)(picture(number)).mean(dim=(1, 2)).numpy() for number in range(sum(counts))]
    assert got == pytest.approx(np.array(expected), abs=1e-5)


def test_batch_is_normalised_as_single_images_are_to_the_last_bit() -> None:
    preprocessing = Preprocessing(32)
    pictures = [picture(number) for number in range(4)]
    squares = torch.from_numpy(np.stack([np.asarray(preprocessing.square(image)) for image in pictures]))
    batch = preprocessing.normalise_batch(squares)
    assert torch.equal(batch, torch.stack([preprocessing(image) for image in pictures]))
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_batches_that_are_too_large_for_the_memory_are_halved_and_nothing_is_lost() -> None:
    pictures = [picture(number) for number in range(2 * CPU_BATCH + 1)]
    all_at_once = list(predictor(MeanColour()).logits(pictures, lambda image: (None, [image])))
    halved = list(predictor(SmallMemory()).logits(pictures, lambda image: (None, [image])))
    assert len(halved) == len(pictures)
    assert np.array([own for _, own in halved]) == pytest.approx(np.array([own for _, own in all_at_once]))


def test_network_is_left_as_it_is_and_evaluates() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout(0.9), nn.AdaptiveAvgPool2d(1), nn.Flatten()).train()
    at_work = predictor(network)
    first, second = (next(at_work.logits([picture(200)], lambda image: (None, [image])))[1] for _ in range(2))
    assert (first == second).all()
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_error_of_an_image_is_raised_as_it_is() -> None:
    def fail(number: int) -> tuple[None, list[Image.Image]]:
        raise LookupError(f"no image {number}")

    with pytest.raises(LookupError, match="no image 0"):
        list(predictor(MeanColour()).logits(range(100), fail))
