"""A crop's window holds its box, lies in the frame, and is of the frame that the box was drawn on."""

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from animl_kedro.boxes import PixelBox, RelativeBox
from animl_kedro.cropping.windows import Fit, fit_of, overlaps, upright_box, window_of
from animl_kedro.formats.megadetector import BOX_DECIMALS
from animl_kedro.images import UPRIGHT
from factories import IMAGE_SIZE

Shape = Literal["square", "pad", "tight"]


@pytest.mark.parametrize(
    ("box", "margin", "shape", "window"),
    [
        pytest.param((60, 40, 50, 30), 0, "square", (60, 30, 110, 80), id="wide, in the middle"),
        pytest.param((60, 40, 30, 50), 0, "square", (50, 40, 100, 90), id="tall, in the middle"),
        pytest.param((60, 40, 50, 30), 0.1, "square", (55, 25, 115, 85), id="margin"),
        pytest.param((60.4, 40.6, 49.2, 29.8), 0, "square", (60, 31, 110, 81), id="fractions go outward"),
        pytest.param((0, 60, 20, 50), 0, "square", (0, 60, 50, 110), id="left edge"),
        pytest.param((180, 60, 20, 50), 0, "square", (150, 60, 200, 110), id="right edge"),
        pytest.param((60, 0, 50, 20), 0, "square", (60, 0, 110, 50), id="upper edge"),
        pytest.param((60, 130, 50, 20), 0, "square", (60, 100, 110, 150), id="lower edge"),
        pytest.param((0, 0, 50, 30), 0.1, "square", (0, 0, 60, 60), id="corner and margin"),
        pytest.param((150, 120, 50, 30), 0.1, "square", (140, 90, 200, 150), id="other corner and margin"),
        pytest.param((0, 10, 200, 50), 0, "square", (0, -25, 200, 175), id="longer than the frame is high"),
        pytest.param((0, 0, 200, 150), 0.5, "square", (-100, -125, 300, 275), id="larger than the frame"),
        pytest.param((60, 40, 50, 30), 0.1, "pad", (55, 25, 115, 85), id="padded, in the middle"),
        pytest.param((0, 60, 20, 50), 0, "pad", (-15, 60, 35, 110), id="padded at the left edge"),
        pytest.param((190, 148, 10, 2), 0, "pad", (190, 144, 200, 154), id="padded in the corner"),
        pytest.param((60, 40, 50, 30), 0.1, "tight", (55, 35, 115, 75), id="tight, in the middle"),
        pytest.param((60.4, 40.6, 49.2, 29.8), 0, "tight", (60, 40, 110, 71), id="tight fractions go outward"),
        pytest.param((0, 0, 200, 150), 1, "tight", (0, 0, 200, 150), id="tight stays in the frame"),
    ],
)
def test_window_of_a_box_is_as_documented(
    box: tuple[float, ...], margin: float, shape: Shape, window: tuple[int, ...]
) -> None:
    assert window_of(PixelBox(*box), IMAGE_SIZE, shape, margin) == window


@st.composite
def boxes_in_frames(draw: st.DrawFn) -> tuple[PixelBox, tuple[int, int]]:
    """A frame, and the part of a box that is inside of it."""
    frame = draw(st.integers(1, 3000)), draw(st.integers(1, 3000))
    left, top = draw(st.floats(0, frame[0] - 0.01)), draw(st.floats(0, frame[1] - 0.01))
    width, height = draw(st.floats(0.01, 3000)), draw(st.floats(0.01, 3000))
    return PixelBox(left, top, width, height).clipped(*frame), frame


MARGINS = st.floats(0, 1)
SHAPES: st.SearchStrategy[Shape] = st.sampled_from(["square", "pad", "tight"])


@settings(max_examples=300, deadline=None)
@given(boxes_in_frames(), SHAPES, MARGINS)
def test_window_of_any_box_holds_all_of_it(
    boxed: tuple[PixelBox, tuple[int, int]], shape: Shape, margin: float
) -> None:
    box, frame = boxed
    left, top, right, bottom = window_of(box, frame, shape, margin)
    assert left <= box.left
    assert top <= box.top
    assert right >= box.right
    assert bottom >= box.bottom


@settings(max_examples=300, deadline=None)
@given(boxes_in_frames(), MARGINS)
def test_window_of_any_square_has_the_side_of_the_box_and_lies_in_the_frame_if_it_fits(
    boxed: tuple[PixelBox, tuple[int, int]], margin: float
) -> None:
    box, frame = boxed
    left, top, right, bottom = window_of(box, frame, "square", margin)
    side = right - left
    assert side == bottom - top
    longer = max(box.width, box.height) * (1 + 2 * margin)
    assert longer - 1e-6 <= side < longer + 2
    for start, end, length in ((left, right, frame[0]), (top, bottom, frame[1])):
        if side <= length:
            assert 0 <= start < end <= length
        else:
            assert start <= 0 < length <= end
            assert abs(-start - (end - length)) <= 1  # as much on one side as on the other


@settings(max_examples=300, deadline=None)
@given(boxes_in_frames(), MARGINS)
def test_window_of_any_padded_box_is_a_square_around_its_centre(
    boxed: tuple[PixelBox, tuple[int, int]], margin: float
) -> None:
    box, frame = boxed
    left, top, right, bottom = window_of(box, frame, "pad", margin)
    assert right - left == bottom - top
    assert right - left == window_of(box, frame, "square", margin)[2] - window_of(box, frame, "square", margin)[0]
    assert (left + right) / 2 == pytest.approx(box.left + box.width / 2, abs=1.5)
    assert (top + bottom) / 2 == pytest.approx(box.top + box.height / 2, abs=1.5)


@settings(max_examples=300, deadline=None)
@given(boxes_in_frames(), MARGINS)
def test_window_of_any_tight_box_lies_in_the_frame(boxed: tuple[PixelBox, tuple[int, int]], margin: float) -> None:
    box, frame = boxed
    left, top, right, bottom = window_of(box, frame, "tight", margin)
    assert 0 <= left < right <= frame[0]
    assert 0 <= top < bottom <= frame[1]
    extra = margin * max(box.width, box.height)
    assert right - left < box.width + 2 * extra + 2
    assert bottom - top < box.height + 2 * extra + 2


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([(200, 150), (1920, 1080), (2048, 1536), (3264, 2448)]), st.data())
def test_window_of_a_box_in_whole_pixels_is_the_same_after_its_way_through_fractions(
    frame: tuple[int, int], data: st.DataObject
) -> None:
    left, top = data.draw(st.integers(0, frame[0] - 9)), data.draw(st.integers(0, frame[1] - 9))
    width, height = data.draw(st.integers(8, frame[0] - left)), data.draw(st.integers(8, frame[1] - top))
    box = PixelBox(left, top, width, height)
    fractions = RelativeBox(*(round(side, BOX_DECIMALS) for side in box.relative_to(*frame)))
    assert window_of(fractions.in_pixels(*frame), frame, "square", 0) == window_of(box, frame, "square", 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_box_is_where_turning_the_picture_takes_its_pixels(orientation: int) -> None:
    stored = Image.new("L", (40, 30))
    stored.paste(255, (4, 6, 14, 9))
    upright = stored.transpose(UPRIGHT[orientation]) if orientation > 1 else stored
    box = upright_box(PixelBox(4, 6, 10, 3).relative_to(40, 30), orientation).in_pixels(*upright.size)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(upright.getbbox(), abs=0.02)


@pytest.mark.parametrize(
    ("recorded", "upright", "stored", "fit"),
    [
        (None, (200, 150), (200, 150), Fit(turned=False, scaled=False)),
        ((200, 150), (200, 150), (200, 150), Fit(turned=False, scaled=False)),
        ((150, 200), (150, 200), (200, 150), Fit(turned=False, scaled=False)),
        ((200, 150), (150, 200), (200, 150), Fit(turned=True, scaled=False)),
        ((100, 75), (150, 200), (200, 150), Fit(turned=True, scaled=True)),
        ((75, 100), (150, 200), (200, 150), Fit(turned=False, scaled=True)),
        ((2048, 1536), (1000, 750), (1000, 750), Fit(turned=False, scaled=True)),
        ((1000, 750), (2048, 1536), (2048, 1536), Fit(turned=False, scaled=True)),
        ((2048, 1536), (683, 512), (683, 512), Fit(turned=False, scaled=True)),
        ((150, 200), (200, 150), (200, 150), None),
        ((2048, 1536), (2048, 1504), (2048, 1504), None),
        ((2048, 1536), (1920, 1080), (1920, 1080), None),
        ((2048, 1536), (512, 380), (512, 380), None),
    ],
)
def test_fit_of_sizes_tells_turned_and_scaled_pictures_from_parts_of_them(
    recorded: tuple[int, int] | None, upright: tuple[int, int], stored: tuple[int, int], fit: Fit | None
) -> None:
    assert fit_of(recorded, upright, stored) == fit


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((15, 15, 2, 2), True),
        ((0, 0, 100, 100), True),
        ((19, 0, 50, 50), True),
        ((20, 0, 50, 50), False),
        ((0, 20, 50, 50), False),
        ((0, 0, 10, 50), False),
        ((0, 0, 50, 10), False),
    ],
)
def test_window_overlaps_a_box_only_where_it_shows_some_of_it(box: tuple[int, ...], expected: bool) -> None:
    assert overlaps((10, 10, 20, 20), PixelBox(*box)) == expected
