"""Augmentation is torchvision's, drawn from a seed."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import ks_2samp
from torchvision import transforms

from animl_kedro.classifier.augmentation import PRESETS, Augmentation
from animl_kedro.classifier.changes import Change
from smooth_crops import make_crop

DRAWS = 2000


@pytest.mark.parametrize("size", [(60, 50), (400, 60), (3, 90)])
@pytest.mark.parametrize("name", list(PRESETS))
def test_pieces_are_distributed_as_torchvisions(name: Any, size: tuple[int, int]) -> None:
    preset, augmentation = PRESETS[name], Augmentation(name, 32)
    ours = np.array([augmentation.draw(size, seed).window for seed in range(DRAWS)])
    torch.manual_seed(0)
    blank = Image.new("RGB", size)
    pieces = [
        transforms.RandomResizedCrop.get_params(blank, list(preset.area), list(preset.ratio)) for _ in range(DRAWS)
    ]
    theirs = np.array([(left, top, left + width, top + height) for top, left, height, width in pieces])
    for column in range(4):
        assert ks_2samp(ours[:, column], theirs[:, column]).pvalue > 1e-4


def test_changes_are_as_frequent_and_as_strong_as_the_preset_says() -> None:
    drawn = [Augmentation("cameratraps", 32).draw((60, 50), seed) for seed in range(DRAWS)]
    for name, share in (("mirrored", 0.5), ("upside_down", 0.1), ("grey", 0.1)):
        assert np.mean([getattr(change, name) for change in drawn]) == pytest.approx(share, abs=0.04)
    for name, low, high in (("degrees", -90, 90), *((name, 0.75, 1.25) for name in Change._fields[-3:])):
        values = np.array([getattr(change, name) for change in drawn])
        assert ks_2samp(values, np.linspace(low, high, DRAWS)).pvalue > 1e-4


def test_the_gentle_preset_never_turns_animals_upside_down() -> None:
    drawn = [Augmentation("gentle", 32).draw((60, 50), seed) for seed in range(200)]
    assert {(change.degrees, change.upside_down) for change in drawn} == {(0, False)}


def test_a_seed_stands_for_one_change_and_leaves_all_generators_as_they_were() -> None:
    crop, _ = make_crop()
    augmentation = Augmentation("cameratraps", 32)
    state = torch.random.get_rng_state()
    first, again, other = (augmentation(crop, seed) for seed in (7, 7, 8))
    assert first.shape == (32, 32, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)
