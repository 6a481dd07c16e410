"""A crop shows what its window says, is made once, and never of an image that is not whole."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from animl_kedro.boxes import PixelBox, RelativeBox
from animl_kedro.formats.megadetector import BOX_DECIMALS
from animl_kedro.images import open_image
from animl_kedro.pipelines.detection_cropping.cropping import (
    Box,
    Crop,
    CropTask,
    Reason,
    Rejected,
    crop_image,
    window_of,
)
from animl_kedro.pipelines.detection_cropping.parameters import CroppingParams
from factories import IMAGE_SIZE, coordinates, write_image, write_jpeg

WIDTH, HEIGHT = IMAGE_SIZE

Shape = Literal["square", "pad", "tight"]


# The window


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


# The pixels


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A picture whose every pixel tells its coordinates, without loss."""
    return write_image(tmp_path / "images" / "image.jpg", coordinates(), "PNG")


def params(**changes: Any) -> CroppingParams:
    return CroppingParams(**({"max_side": None} | changes))


def task_of(image: Path, *boxes: tuple[float, float, float, float], **changes: Any) -> CropTask:
    """A task with these boxes, in pixels of the recorded size; the crops lie beside the folder of the image."""
    recorded: tuple[int, int] | None = changes.get("recorded_size", IMAGE_SIZE)
    drawn_on = recorded or IMAGE_SIZE
    folder = image.parents[1] / "crops"
    return CropTask(
        image=image,
        image_checksum=changes.get("checksum", "of the image"),
        recorded_size=recorded,
        boxes=tuple(
            Box(key, PixelBox(*box).relative_to(*drawn_on), folder / f"{key}.jpg") for key, box in enumerate(boxes)
        ),
    )


def crop_one(task: CropTask, options: CroppingParams | None = None) -> Crop:
    """The one crop of a task, which must succeed."""
    (outcome,) = crop_image(task, options or params())
    assert isinstance(outcome, Crop)
    return outcome


def reject_all(task: CropTask, options: CroppingParams | None = None) -> list[Rejected]:
    """The rejections of a task that must not give a crop, nor leave a file."""
    outcomes = crop_image(task, options or params())
    assert not any(box.target.exists() for box in task.boxes)
    return [outcome for outcome in outcomes if isinstance(outcome, Rejected)]


def pixels(path: Path) -> NDArray[np.int64]:
    return np.asarray(open_image(path)).astype(np.int64)


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((60, 40, 50, 30), id="middle"),
        pytest.param((0, 60, 20, 50), id="left edge"),
        pytest.param((180, 60, 20, 50), id="right edge"),
        pytest.param((60, 0, 50, 20), id="upper edge"),
        pytest.param((60, 130, 50, 20), id="lower edge"),
        pytest.param((0, 0, 40, 40), id="corner"),
        pytest.param((160, 110, 40, 40), id="other corner"),
    ],
)
@pytest.mark.parametrize("margin", [0, 0.25])
@pytest.mark.parametrize("shape", ["square", "tight"])
def test_crop_shows_the_pixels_of_its_window_and_nothing_black(
    image: Path, box: tuple[float, float, float, float], margin: float, shape: Shape
) -> None:
    task = task_of(image, box)
    crop = crop_one(task, params(shape=shape, margin=margin))
    assert crop.box == pytest.approx(box)
    left, top, right, bottom = window_of(crop.box, IMAGE_SIZE, shape, margin)
    assert crop.size == (right - left, bottom - top)
    shown = pixels(task.boxes[0].target)
    columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    assert np.abs(shown[..., 0] - columns).max() <= 8
    assert np.abs(shown[..., 1] - rows).max() <= 8
    assert np.abs(shown[..., 0] - columns).mean() < 1.5
    assert np.abs(shown[..., 1] - rows).mean() < 1.5
    assert shown[..., 2].min() > 100  # blue is 128 everywhere in the picture


def test_crop_that_is_padded_is_black_beyond_the_frame(image: Path) -> None:
    task = task_of(image, (0, 60, 20, 60))
    assert crop_one(task, params(shape="pad")).size == (60, 60)
    shown = pixels(task.boxes[0].target)
    assert shown[:, :16].max() < 30  # the frame begins at 20, and JPEG blurs a bit
    assert shown[:, 24:, 2].min() > 100
    assert shown[30, 40, 0] == pytest.approx(20, abs=8)


def test_crop_of_a_turned_photograph_is_in_upright_pixels(tmp_path: Path) -> None:
    upright = coordinates()
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    image = write_image(tmp_path / "images" / "image.png", stored, "PNG", orientation=6)
    task = task_of(image, (120, 30, 40, 40))
    assert crop_one(task).image_size == IMAGE_SIZE
    shown = pixels(task.boxes[0].target)
    assert shown[20, 20, 0] == pytest.approx(140, abs=8)
    assert shown[20, 20, 1] == pytest.approx(50, abs=8)


def test_crop_tells_its_box_in_pixels_of_the_image(image: Path) -> None:
    crop = crop_one(task_of(image, (60, 40, 50, 30)))
    assert crop.box == pytest.approx((60, 40, 50, 30))
    assert crop.image_size == IMAGE_SIZE


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


def test_crop_of_a_box_that_overhangs_tells_the_part_inside(image: Path) -> None:
    crop = crop_one(task_of(image, (-10, -10, 50, 30)))
    assert crop.box == pytest.approx((0, 0, 40, 20))
    assert crop.size == (40, 40)


@pytest.mark.parametrize("recorded_size", [(400, 300), (100, 75), (201, 150)])
def test_crop_of_a_copy_of_another_size_scales_the_box(image: Path, recorded_size: tuple[int, int]) -> None:
    scale = recorded_size[0] / WIDTH, recorded_size[1] / HEIGHT
    box = (60 * scale[0], 40 * scale[1], 50 * scale[0], 30 * scale[1])
    crop = crop_one(task_of(image, box, recorded_size=recorded_size))
    assert crop.box == pytest.approx((60, 40, 50, 30))
    assert max(crop.size) in (50, 51)


def test_crop_of_an_image_without_a_recorded_size_is_made(image: Path) -> None:
    assert crop_one(task_of(image, (60, 40, 50, 30), recorded_size=None)).size == (50, 50)


@pytest.mark.parametrize(
    ("shape", "max_side", "size"),
    [
        ("square", 50, (50, 50)),
        ("square", 49, (49, 49)),
        ("square", 16, (16, 16)),
        ("square", None, (50, 50)),
        ("tight", 16, (16, 10)),
        ("pad", 20, (20, 20)),
    ],
)
def test_crop_is_stored_with_its_longer_side_at_most_as_wanted(
    image: Path, shape: Shape, max_side: int | None, size: tuple[int, int]
) -> None:
    task = task_of(image, (60, 40, 50, 30))
    assert crop_one(task, params(shape=shape, max_side=max_side)).size == size
    assert open_image(task.boxes[0].target).size == size


@pytest.mark.parametrize("quality", [None, 95, 100])
def test_crop_is_stored_at_the_quality_that_is_wanted_and_by_default_at_95(
    image: Path, tmp_path: Path, quality: int | None
) -> None:
    task = task_of(image, (60, 40, 50, 30))
    crop_one(task, params() if quality is None else params(jpeg_quality=quality))
    reference = write_image(tmp_path / "reference.jpg", coordinates(), "JPEG", quality=quality or 95)
    assert quantization(task.boxes[0].target) == quantization(reference)


def quantization(path: Path) -> dict[int, list[int]]:
    """The tables by which a JPEG was made coarser: they tell its quality."""
    with Image.open(path) as image:
        return {number: list(table) for number, table in image.quantization.items()}  # type: ignore[attr-defined]


def test_crop_of_a_box_a_fraction_of_a_pixel_high_has_a_pixel(image: Path) -> None:
    assert crop_one(task_of(image, (60, 40.3, 50, 0.1)), params(shape="tight")).size == (50, 1)


# What is rejected


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((60, 40, 7, 7), Reason.TOO_SMALL),
        ((60, 40, 7.9, 1), Reason.TOO_SMALL),
        ((197, 40, 50, 7), Reason.TOO_SMALL),
        ((200, 40, 50, 50), Reason.OUTSIDE),
        ((60, -50, 50, 50), Reason.OUTSIDE),
        ((500, 500, 50, 50), Reason.OUTSIDE),
    ],
)
def test_box_that_shows_nothing_is_rejected(
    image: Path, box: tuple[float, float, float, float], reason: Reason
) -> None:
    (rejected,) = reject_all(task_of(image, box))
    assert rejected.reason == reason
    assert rejected.detail


def test_box_that_is_just_large_enough_is_cropped(image: Path) -> None:
    assert crop_one(task_of(image, (60, 40, 8, 2)), params(min_side=8)).size == (8, 8)


@pytest.mark.parametrize("recorded_size", [(150, 200), (200, 100), (206, 150), (4000, 3001 // 2)])
def test_image_of_another_shape_than_recorded_is_rejected(image: Path, recorded_size: tuple[int, int]) -> None:
    (rejected,) = reject_all(task_of(image, (10, 10, 50, 50), recorded_size=recorded_size))
    assert rejected.reason == Reason.SIZE_MISMATCH
    assert f"recorded {recorded_size[0]} × {recorded_size[1]} pixels, the file has 200 × 150" in rejected.detail


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.999])
def test_image_that_was_cut_off_is_rejected_and_never_grey(tmp_path: Path, share: float) -> None:
    image = write_jpeg(tmp_path / "images" / "image.jpg")
    data = image.read_bytes()
    image.write_bytes(data[: int(share * len(data))])
    rejected = reject_all(task_of(image, (0, 0, 20, 20), (60, 100, 50, 30)))
    assert [(one.key, one.reason) for one in rejected] == [(0, Reason.UNREADABLE_IMAGE), (1, Reason.UNREADABLE_IMAGE)]


def test_image_that_is_absent_is_rejected(tmp_path: Path) -> None:
    (rejected,) = reject_all(task_of(tmp_path / "images" / "none.jpg", (0, 0, 20, 20)))
    assert rejected.reason == Reason.UNREADABLE_IMAGE
    assert "No such file" in rejected.detail


def test_image_with_boxes_of_which_one_cannot_be_cropped_gives_the_others(image: Path) -> None:
    outcomes = crop_image(task_of(image, (0, 0, 20, 20), (60, 40, 1, 1), (100, 100, 30, 30)), params())
    assert [type(outcome) for outcome in outcomes] == [Crop, Rejected, Crop]
    assert [outcome.key for outcome in outcomes] == [0, 1, 2]


# Crops that are there already

BOXES = ((0.0, 0.0, 20.0, 20.0), (60.0, 40.0, 50.0, 30.0))


def age(task: CropTask) -> None:
    """Make the crops of a task look old, so that one that is written again can be told."""
    for box in task.boxes:
        os.utime(box.target, ns=(0, 0))


def written_again(task: CropTask) -> list[bool]:
    return [box.target.stat().st_mtime_ns != 0 for box in task.boxes]


def made(outcomes: list[Crop | Rejected]) -> list[bool]:
    return [isinstance(outcome, Crop) and outcome.made for outcome in outcomes]


@pytest.mark.parametrize("max_side", [None, 16])
def test_crops_that_are_unchanged_are_not_made_again(image: Path, max_side: int | None) -> None:
    task, options = task_of(image, *BOXES), params(max_side=max_side)
    first = crop_image(task, options)
    age(task)
    second = crop_image(task, options)
    assert made(first) == [True, True]
    assert made(second) == [False, False]
    assert written_again(task) == [False, False]
    for one, other in zip(first, second, strict=True):
        assert isinstance(one, Crop)
        assert isinstance(other, Crop)
        assert (one.key, one.box, one.image_size, one.size) == (other.key, other.box, other.image_size, other.size)


def test_crops_that_are_unchanged_need_no_image(image: Path) -> None:
    task = task_of(image, *BOXES)
    crop_image(task, params())
    image.unlink()
    assert made(crop_image(task, params())) == [False, False]


def test_crop_whose_box_changed_is_made_again_and_the_others_are_not(image: Path) -> None:
    crop_image(task_of(image, *BOXES), params())
    task = task_of(image, BOXES[0], (61, 40, 50, 30))
    age(task)
    assert made(crop_image(task, params())) == [False, True]
    assert written_again(task) == [False, True]
    assert pixels(task.boxes[1].target)[25, 25, 0] == pytest.approx(86, abs=4)


@pytest.mark.parametrize(
    "changes", [{"margin": 0.2}, {"jpeg_quality": 96}, {"shape": "tight"}, {"max_side": 16}, {"min_side": 9}]
)
def test_crops_with_a_changed_parameter_are_made_again(image: Path, changes: dict[str, Any]) -> None:
    task = task_of(image, *BOXES)
    crop_image(task, params())
    age(task)
    assert made(crop_image(task, params(**changes))) == [True, True]
    assert written_again(task) == [True, True]


def test_crops_of_an_image_that_changed_are_made_again(image: Path) -> None:
    crop_image(task_of(image, *BOXES), params())
    assert made(crop_image(task_of(image, *BOXES, checksum="of another"), params())) == [True, True]


def test_crop_that_is_gone_is_made_again_and_the_others_are_not(image: Path) -> None:
    task = task_of(image, *BOXES)
    crop_image(task, params())
    task.boxes[0].target.unlink()
    assert made(crop_image(task, params())) == [True, False]


def scan_of(data: bytes) -> int:
    """Where the pixels of a JPEG begin: after its header, which alone tells that the crop is the one."""
    return data.index(b"\xff\xda") + 14


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "text": lambda data: b"<html>not a crop</html>",
    "cut within its header": lambda data: data[:100],
    "cut to its header": lambda data: data[: scan_of(data)],
    "cut within its pixels": lambda data: data[: (scan_of(data) + len(data)) // 2],
    "a byte too short": lambda data: data[:-1],
    "zeros for pixels": lambda data: data[: scan_of(data)] + bytes(len(data) - scan_of(data)),
    "zeros for the last pixels": lambda data: data[:-20] + bytes(20),
    "no comment": lambda data: data[:2] + data[2:].replace(b"\xff\xfe", b"\xff\xe7", 1),
    "another comment": lambda data: data.replace(b"fingerprint", b"fingerprunt"),
    "a comment that is no JSON": lambda data: data.replace(b'{"finger', b'["finger'),
    "another image": lambda data: data.replace(b'"fingerprint": "', b'"fingerprint": "0')[:-1] + data[-1:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_crop_whose_file_was_damaged_is_made_again(image: Path, damage: str) -> None:
    task = task_of(image, *BOXES)
    crop_image(task, params())
    target = task.boxes[1].target
    whole = target.read_bytes()
    target.write_bytes(DAMAGE[damage](whole))
    assert target.read_bytes() != whole
    assert made(crop_image(task, params())) == [False, True]
    assert target.read_bytes() == whole


def test_crops_that_changed_places_are_made_again(image: Path) -> None:
    task = task_of(image, *BOXES)
    crop_image(task, params())
    first, second = (box.target for box in task.boxes)
    wholes = first.read_bytes(), second.read_bytes()
    first.write_bytes(wholes[1])
    second.write_bytes(wholes[0])
    assert made(crop_image(task, params())) == [True, True]
    assert (first.read_bytes(), second.read_bytes()) == wholes


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4), st.integers(-3, 0))
def test_crop_whose_file_was_damaged_anyhow_is_made_again_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], missing: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "damaged"
    image = write_image(folder / "images" / "image.png", coordinates(), "PNG")
    task = task_of(image, BOXES[1])
    target = task.boxes[0].target
    crop = crop_one(task)
    whole = target.read_bytes()
    damaged = bytearray(whole)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    left = bytes(damaged[: len(damaged) + missing])
    target.write_bytes(left)
    again = crop_one(task)
    assert again.made == (left != whole)
    assert target.read_bytes() == whole
    assert (again.box, again.image_size, again.size) == (crop.box, crop.image_size, crop.size)


def test_crop_that_fails_to_be_written_keeps_the_old_one(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_of(image, BOXES[0])
    crop_one(task)
    whole = task.boxes[0].target.read_bytes()

    def full_disk(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        crop_image(task, params(margin=0.5))
    assert task.boxes[0].target.read_bytes() == whole
    assert [path.name for path in task.boxes[0].target.parent.iterdir()] == ["0.jpg"]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 1), st.floats(0.05, 1))
@settings(max_examples=40, deadline=None)
def test_crop_of_any_relative_box_is_what_its_window_says(
    tmp_path_factory: pytest.TempPathFactory, left: float, top: float, width: float, height: float
) -> None:
    folder = tmp_path_factory.getbasetemp() / "relative"
    image = write_image(folder / "images" / "image.png", coordinates(), "PNG")
    target = folder / "crops" / "0.jpg"
    box = RelativeBox(left, top, width, height)
    (outcome,) = crop_image(CropTask(image, "sum", IMAGE_SIZE, (Box(0, box, target),)), params(min_side=1))
    inside = box.in_pixels(*IMAGE_SIZE).clipped(*IMAGE_SIZE)
    if isinstance(outcome, Rejected):
        assert max(inside.width, inside.height) < 1 or min(inside.width, inside.height) < 0.01
        return
    assert outcome.box == pytest.approx(inside, abs=0.011)
    shown = window_of(outcome.box, IMAGE_SIZE, "square", 0)
    assert outcome.size == (shown[2] - shown[0], shown[3] - shown[1]) == open_image(target).size
