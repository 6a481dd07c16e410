"""Boxes: three conventions, one module that converts them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from animl_kedro.boxes import PixelBox, RelativeBox, fault_of

SIDES = st.integers(1, 5000)
COORDINATES = st.floats(-6000, 6000)
LENGTHS = st.floats(0.001, 6000)


def test_edges_of_a_box_are_its_start_and_its_length() -> None:
    box = PixelBox(10, 20, 30, 40)
    assert (box.right, box.bottom) == (40, 60)


def test_clipped_box_inside_the_frame_is_the_very_same() -> None:
    box = PixelBox(0.1, 0.3, 0.2, 0.6)  # 0.1 + 0.2 - 0.1 is not 0.2
    assert box.clipped(10, 10) == box


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        pytest.param((-1, 0, 50, 50), (0, 0, 49, 50), id="overhangs left by a pixel"),
        pytest.param((0, -1, 50, 50), (0, 0, 50, 49), id="overhangs the top by a pixel"),
        pytest.param((51, 0, 50, 50), (51, 0, 49, 50), id="overhangs right by a pixel"),
        pytest.param((0, 31, 50, 50), (0, 31, 50, 49), id="overhangs the bottom by a pixel"),
        pytest.param((-5, -5, 500, 500), (0, 0, 100, 80), id="larger than the frame"),
        pytest.param((0, 0, 100, 80), (0, 0, 100, 80), id="the frame"),
    ],
)
def test_clipped_box_that_overhangs_keeps_what_is_inside(
    box: tuple[float, float, float, float], expected: tuple[float, float, float, float]
) -> None:
    assert PixelBox(*box).clipped(100, 80) == expected


@pytest.mark.parametrize("box", [(-50, 0, 50, 50), (100, 0, 50, 50), (0, 80, 5, 5), (0, -9, 5, 9), (-1e308, 0, 1, 1)])
def test_clipped_box_outside_has_no_area(box: tuple[float, float, float, float]) -> None:
    clipped = PixelBox(*box).clipped(100, 80)
    assert clipped.width * clipped.height == 0
    assert fault_of(*clipped)


@given(COORDINATES, COORDINATES, LENGTHS, LENGTHS, SIDES, SIDES)
def test_clipped_box_lies_in_the_frame_and_in_the_box(
    left: float, top: float, width: float, height: float, image_width: int, image_height: int
) -> None:
    box = PixelBox(left, top, width, height)
    clipped = box.clipped(image_width, image_height)
    assert 0 <= clipped.left <= image_width
    assert 0 <= clipped.top <= image_height
    assert 0 <= clipped.width <= image_width
    assert 0 <= clipped.height <= image_height
    assert clipped.right <= image_width
    assert clipped.bottom <= image_height
    if clipped.width and clipped.height:
        assert clipped.left >= left
        assert clipped.right <= box.right + 1e-9
        assert clipped.clipped(image_width, image_height) == clipped


def test_relative_box_is_in_fractions_of_the_frame() -> None:
    assert PixelBox(160, 120, 320, 60).relative_to(640, 480) == (0.25, 0.25, 0.5, 0.125)


@given(COORDINATES, COORDINATES, LENGTHS, LENGTHS, SIDES, SIDES)
def test_relative_box_in_pixels_is_the_box_again(
    left: float, top: float, width: float, height: float, image_width: int, image_height: int
) -> None:
    box = PixelBox(left, top, width, height)
    again = box.relative_to(image_width, image_height).in_pixels(image_width, image_height)
    assert tuple(again) == pytest.approx(tuple(box), abs=0.006)  # pixels come in hundredths


def test_box_of_animls_endpoint_has_the_vertical_edges_first() -> None:
    box = RelativeBox.from_animl(0.25, 0.5, 0.5, 0.875)  # ymin, xmin, ymax, xmax
    assert box == (0.5, 0.25, 0.375, 0.25)
    assert box.in_pixels(800, 400) == (400, 100, 300, 100)


def test_fault_of_a_box_with_an_area_is_none() -> None:
    assert fault_of(-3, 0, 0.5, 1e9) is None


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_fault_of_a_box_with_a_number_that_is_not_finite_says_so(position: int, number: float) -> None:
    box = [1.0, 1.0, 1.0, 1.0]
    box[position] = number
    assert "not finite" in str(fault_of(*box))


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-5, 10), (10, -5), (-1, -1)])
def test_fault_of_a_box_without_area_says_so(width: float, height: float) -> None:
    assert "no area" in str(fault_of(0, 0, width, height))
