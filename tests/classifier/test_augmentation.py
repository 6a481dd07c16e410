"""Augmentation is torchvision's, drawn from a seed."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import ks_2samp
from torchvision import transforms
from torchvision.transforms import InterpolationMode, functional

from animl_kedro.classifier.augmentation import PRESETS, Augmentation, Change
from animl_kedro.images import Photograph

NOTHING = Change((0, 0, 60, 50), 0, False, False, False, 1.0, 1.0, 1.0)
DRAWS = 2000


def make_crop(
    width: int = 60, height: int = 50, darkest: int = 0, brightest: int = 255
) -> tuple[Photograph, Image.Image]:
    rng = np.random.default_rng(width * height)
    small = Image.fromarray(rng.integers(darkest, brightest + 1, (7, 7, 3), dtype=np.uint8))
    picture, file = small.resize((width, height)), io.BytesIO()
    picture.save(file, "PNG")
    return Photograph(file.getvalue()), picture


def changed(crop: Photograph, **parts: Any) -> np.ndarray:
    return np.asarray(Augmentation("cameratraps", 32).change(crop, NOTHING._replace(**parts)))


@given(
    st.integers(0, 30),
    st.integers(0, 20),
    st.integers(2, 30),
    st.integers(2, 30),
    st.floats(-90, 90),
    st.booleans(),
    st.booleans(),
)
def test_pieces_turns_and_flips_equal_torchvisions_pixel_by_pixel(
    left: int, top: int, width: int, height: int, degrees: float, mirrored: bool, upside_down: bool
) -> None:
    crop, picture = make_crop()
    expected = functional.resized_crop(picture, top, left, height, width, [32, 32], InterpolationMode.BILINEAR)
    expected = functional.rotate(expected, degrees)
    expected = functional.hflip(expected) if mirrored else expected
    expected = functional.vflip(expected) if upside_down else expected
    window = (left, top, left + width, top + height)
    got = changed(crop, window=window, degrees=degrees, mirrored=mirrored, upside_down=upside_down)
    assert np.array_equal(got, np.asarray(expected))


@pytest.mark.parametrize("order", ["bcs", "csb", "scb"])
@given(factors=st.tuples(*[st.floats(0.75, 1.25)] * 3), grey=st.booleans())
def test_colours_equal_torchvisions_in_any_order_where_nothing_is_cut_off(
    order: str, factors: tuple[float, float, float], grey: bool
) -> None:
    """Each of its three steps rounds to whole levels, and the mean to one."""
    crop, picture = make_crop(darkest=90, brightest=140)
    steps = {
        "b": (functional.adjust_brightness, factors[0]),
        "c": (functional.adjust_contrast, factors[1]),
        "s": (functional.adjust_saturation, factors[2]),
    }
    expected = functional.resize(picture, [32, 32])
    expected = functional.rgb_to_grayscale(expected, 3) if grey else expected
    for adjust, factor in (steps[letter] for letter in order):
        expected = adjust(expected, factor)
    got = changed(crop, grey=grey, brightness=factors[0], contrast=factors[1], saturation=factors[2])
    assert np.abs(got.astype(int) - np.asarray(expected).astype(int)).max() <= 4


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
    first, again, other = (np.asarray(augmentation(crop, seed)) for seed in (7, 7, 8))
    assert first.shape == (32, 32, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)
