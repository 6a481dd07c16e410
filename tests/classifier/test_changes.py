"""Changes of crops are torchvision's pixel by pixel, by Pillow as well as by the extension."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torchvision.transforms import InterpolationMode, functional

from animl_kedro.classifier import changes
from animl_kedro.classifier.augmentation import Augmentation
from animl_kedro.classifier.changes import CHANGED_SQUARE, Change, changed
from smooth_crops import make_crop

SIDE = 32
NOTHING = Change((0, 0, 60, 50), 0, False, False, False, 1.0, 1.0, 1.0)

needs_extension = pytest.mark.skipif(
    CHANGED_SQUARE is None, reason="animl_kedro.classifier._changed_square is not built: it needs a compiler"
)
with_fixtures = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["Pillow", pytest.param("extension", marks=needs_extension)])
def made_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "Pillow":
        monkeypatch.setattr(changes, "CHANGED_SQUARE", None)
    return str(request.param)


def differences(ours: np.ndarray, theirs: Any) -> int:
    """The largest difference of two squares, in levels."""
    return int(np.abs(ours.astype(int) - np.asarray(theirs).astype(int)).max())


@with_fixtures
@given(
    st.integers(0, 30),
    st.integers(0, 20),
    st.integers(2, 30),
    st.integers(2, 30),
    st.floats(-90, 90),
    st.booleans(),
    st.booleans(),
)
@example(0, 0, 30, 30, 90, False, False)
@example(0, 0, 30, 30, -90, True, True)
def test_pieces_turns_and_flips_equal_torchvisions_pixel_by_pixel(
    made_by: str, left: int, top: int, width: int, height: int, degrees: float, mirrored: bool, upside_down: bool
) -> None:
    """The extension rounds in another order than Pillow between rows and columns, which makes a level."""
    crop, picture = make_crop()
    expected = functional.resized_crop(picture, top, left, height, width, [SIDE, SIDE], InterpolationMode.BILINEAR)
    expected = functional.rotate(expected, degrees)
    expected = functional.hflip(expected) if mirrored else expected
    expected = functional.vflip(expected) if upside_down else expected
    window = (left, top, left + width, top + height)
    change = NOTHING._replace(window=window, degrees=degrees, mirrored=mirrored, upside_down=upside_down)
    assert differences(changed(crop, change, SIDE), expected) <= (made_by == "extension")


@with_fixtures
@given(degrees=st.floats(-180, 180), mirrored=st.booleans(), upside_down=st.booleans(), side=st.integers(1, 50))
def test_what_need_not_be_resized_equals_torchvisions_exactly(
    made_by: str, degrees: float, mirrored: bool, upside_down: bool, side: int
) -> None:
    crop, picture = make_crop()
    expected = functional.rotate(picture.crop((5, 0, 5 + side, side)), degrees)
    expected = functional.hflip(expected) if mirrored else expected
    expected = functional.vflip(expected) if upside_down else expected
    change = NOTHING._replace(
        window=(5, 0, 5 + side, side), degrees=degrees, mirrored=mirrored, upside_down=upside_down
    )
    assert differences(changed(crop, change, side), expected) == 0


@with_fixtures
@pytest.mark.parametrize("order", ["bcs", "csb", "scb"])
@given(factors=st.tuples(*[st.floats(0.75, 1.25)] * 3), grey=st.booleans())
def test_colours_equal_torchvisions_in_any_order_where_nothing_is_cut_off(
    made_by: str, order: str, factors: tuple[float, float, float], grey: bool
) -> None:
    """Each of its three steps rounds to whole levels, and the mean to one."""
    crop, picture = make_crop(SIDE, SIDE, darkest=90, brightest=140)
    steps = {
        "b": (functional.adjust_brightness, factors[0]),
        "c": (functional.adjust_contrast, factors[1]),
        "s": (functional.adjust_saturation, factors[2]),
    }
    expected = functional.rgb_to_grayscale(picture, 3) if grey else picture
    for adjust, factor in (steps[letter] for letter in order):
        expected = adjust(expected, factor)
    change = Change((0, 0, SIDE, SIDE), 0, False, False, grey, *factors)
    assert differences(changed(crop, change, SIDE), expected) <= 4


@needs_extension
@pytest.mark.parametrize("side", [1, 7, 32, 300])
@pytest.mark.parametrize("size", [(60, 50), (31, 400), (500, 20), (3, 3)])
def test_the_extension_and_pillow_differ_by_roundings_alone(
    size: tuple[int, int], side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    crop, _ = make_crop(*size)
    augmentation = Augmentation("cameratraps", side)
    squares = [augmentation(crop, seed) for seed in range(40)]
    monkeypatch.setattr(changes, "CHANGED_SQUARE", None)
    largest = max(differences(square, augmentation(crop, seed)) for seed, square in enumerate(squares))
    assert largest <= 3  # a level between rows and columns, and what the colours make of it


@needs_extension
@with_fixtures
@given(factors=st.tuples(*[st.floats(0, 4)] * 3), grey=st.booleans(), degrees=st.floats(-90, 90))
def test_colours_of_the_extension_are_pillows_also_where_they_are_cut_off(
    factors: tuple[float, float, float], grey: bool, degrees: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a level: a compiler may join a product and a sum, which rounds once less."""
    crop, _ = make_crop(SIDE, SIDE)
    change = Change((0, 0, SIDE, SIDE), degrees, False, False, grey, *factors)
    square = changed(crop, change, SIDE)
    with monkeypatch.context() as patch:
        patch.setattr(changes, "CHANGED_SQUARE", None)
        assert differences(square, changed(crop, change, SIDE)) <= 1


@needs_extension
@pytest.mark.parametrize(("count", "size"), [(11, (2, 2)), (13, (2, 2)), (12, (2, 3)), (12, (0, 2)), (12, (-2, -2))])
def test_the_extension_refuses_sizes_that_are_not_those_of_the_pixels(count: int, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="sizes"):
        by_extension(count, size, 4)


@needs_extension
@pytest.mark.parametrize("side", [-1, 0, 8193])
def test_the_extension_refuses_sides_that_it_has_no_numbers_for(side: int) -> None:
    with pytest.raises(ValueError, match="sizes"):
        by_extension(12, (2, 2), side)


def by_extension(count: int, size: tuple[int, int], side: int) -> bytes:
    assert CHANGED_SQUARE is not None
    turn, matrix = changes.turn_of(NOTHING, 4), changes.colour_matrix(NOTHING)
    return CHANGED_SQUARE(bytes(count), size, side, turn, matrix, changes.LUMA, 0.0)
