"""A crop shows what its window says, is made once, and never of an image that is not whole."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from animl_kedro.boxes import PixelBox, RelativeBox
from animl_kedro.cropping.windows import window_of
from animl_kedro.image_folder import ImageFolder
from animl_kedro.images import open_image
from animl_kedro.pipelines.detection_cropping.cropping import (
    Box,
    Crop,
    CropTask,
    Rejected,
    crop_image,
    fingerprint_of,
)
from animl_kedro.pipelines.detection_cropping.parameters import CroppingParams
from animl_kedro.pipelines.detection_cropping.reasons import Reason
from factories import IMAGE_SIZE, coordinates, write_image, write_jpeg

WIDTH, HEIGHT = IMAGE_SIZE

Shape = Literal["square", "pad", "tight"]


# The pixels


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A picture whose every pixel tells its coordinates, without loss."""
    return write_image(tmp_path / "images" / "image.jpg", coordinates(), "PNG")


def params(**changes: Any) -> CroppingParams:
    return CroppingParams(**({"max_side": None} | changes))


@dataclass(frozen=True)
class Work:
    """A task on an image; the crops lie in a folder beside that of the image."""

    image: Path
    task: CropTask

    @property
    def folder(self) -> ImageFolder:
        return ImageFolder(self.image.parents[1] / "crops")

    @property
    def targets(self) -> list[Path]:
        return [self.folder.path_of(box.crop_id) for box in self.task.boxes]

    def run(self, options: CroppingParams | None = None) -> list[Crop | Rejected]:
        """Do the task, as one who does not know which files are there."""
        options = options or params()
        boxes = tuple(replace(box, fingerprint=f"{box.fingerprint}{options.checksum()}") for box in self.task.boxes)
        store = ImageFolder(self.image.parent)
        return crop_image(replace(self.task, boxes=boxes), store=store, crop_folder=self.folder, params=options)


def work_on(image: Path, *boxes: tuple[float, float, float, float], **changes: Any) -> Work:
    """The work on these boxes, in pixels of the recorded size."""
    recorded: tuple[int, int] | None = changes.get("recorded_size", IMAGE_SIZE)
    drawn_on = recorded or IMAGE_SIZE
    others = tuple(PixelBox(*other).relative_to(*drawn_on) for other in changes.get("others", ()))
    relative = [PixelBox(*box).relative_to(*drawn_on) for box in boxes]
    checksum = changes.get("checksum", "of the image")
    return Work(
        image,
        CropTask(
            image=image.name,
            recorded_size=recorded,
            others=others,
            boxes=tuple(
                Box(key, box, f"{key}.jpg", fingerprint_of(checksum, recorded, others, box, ""), has_file=True)
                for key, box in enumerate(relative)
            ),
        ),
    )


def crop_one(work: Work, options: CroppingParams | None = None) -> Crop:
    """The one crop of a task, which must succeed."""
    (outcome,) = work.run(options)
    assert isinstance(outcome, Crop)
    return outcome


def reject_all(work: Work, options: CroppingParams | None = None) -> list[Rejected]:
    """The rejections of a task that must not give a crop, nor leave a file."""
    outcomes = work.run(options)
    assert not any(target.exists() for target in work.targets)
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
    work = work_on(image, box)
    crop = crop_one(work, params(shape=shape, margin=margin))
    assert crop.note.box == pytest.approx(box)
    left, top, right, bottom = window_of(crop.note.box, IMAGE_SIZE, shape, margin)
    assert crop.note.size == (right - left, bottom - top)
    shown = pixels(work.targets[0])
    columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    assert np.abs(shown[..., 0] - columns).max() <= 8
    assert np.abs(shown[..., 1] - rows).max() <= 8
    assert np.abs(shown[..., 0] - columns).mean() < 1.5
    assert np.abs(shown[..., 1] - rows).mean() < 1.5
    assert shown[..., 2].min() > 100  # blue is 128 everywhere in the picture


def test_crop_that_is_padded_is_black_beyond_the_frame(image: Path) -> None:
    work = work_on(image, (0, 60, 20, 60))
    assert crop_one(work, params(shape="pad")).note.size == (60, 60)
    shown = pixels(work.targets[0])
    assert shown[:, :16].max() < 30  # the frame begins at 20, and JPEG blurs a bit
    assert shown[:, 24:, 2].min() > 100
    assert shown[30, 40, 0] == pytest.approx(20, abs=8)


def test_crop_of_a_turned_photograph_is_in_upright_pixels(tmp_path: Path) -> None:
    upright = coordinates()
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    image = write_image(tmp_path / "images" / "image.png", stored, "PNG", orientation=6)
    work = work_on(image, (120, 30, 40, 40))
    assert crop_one(work).note.image_size == IMAGE_SIZE
    shown = pixels(work.targets[0])
    assert shown[20, 20, 0] == pytest.approx(140, abs=8)
    assert shown[20, 20, 1] == pytest.approx(50, abs=8)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("drawn_on", ["upright", "stored"])
def test_crop_of_a_turned_photograph_shows_its_box_by_the_frame_that_the_size_tells(
    tmp_path: Path, orientation: int, drawn_on: str
) -> None:
    stored = coordinates()
    image = write_image(tmp_path / "images" / "image.jpg", stored, "PNG", orientation=orientation)
    upright = open_image(image)
    frame = upright if drawn_on == "upright" else stored
    if drawn_on == "stored" and upright.size == stored.size:
        return  # then the upright frame is meant, of which the other half of the cases tells
    box = (20, 70, 50, 40)
    work = work_on(image, box, recorded_size=frame.size)
    crop = crop_one(work, params(shape="tight"))
    middle = np.asarray(frame)[70 + 20, 20 + 25]  # which tells its place in the stored picture
    shown = pixels(work.targets[0])
    assert shown[shown.shape[0] // 2, shown.shape[1] // 2] == pytest.approx(middle, abs=8)
    assert sorted(crop.note.size) == [40, 50]
    assert crop.note.image_size == upright.size


def test_crop_that_would_show_a_part_of_a_person_is_rejected_and_the_others_are_made(image: Path) -> None:
    work = work_on(image, (0, 0, 40, 40), (60, 40, 50, 30), others=[(110, 70, 30, 30)])
    assert [type(outcome) for outcome in work.run(params(shape="tight"))] == [Crop, Crop]
    outcomes = work.run(params(shape="tight", margin=0.1))
    assert [type(outcome) for outcome in outcomes] == [Crop, Rejected]
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].reason == Reason.SHOWS_OTHERS


def test_person_drawn_on_the_stored_photograph_is_kept_off_the_crops_of_boxes_that_a_detector_found(
    tmp_path: Path,
) -> None:
    image = write_jpeg(tmp_path / "turned.jpg", orientation=6)  # stored as 200 × 150, upright 150 × 200
    person, corner = (0, 100, 50, 50), RelativeBox(0, 0, 0.2, 0.15)  # lower left as stored, upper left upright
    work = work_on(image, (0, 0, 9, 9), others=[person])

    def found(box: RelativeBox) -> Work:
        boxes = (replace(work.task.boxes[0], box=box),)
        return replace(work, task=replace(work.task, boxes=boxes, is_found=True))

    (rejected,) = reject_all(found(corner))
    assert rejected.reason == Reason.SHOWS_OTHERS
    assert crop_one(found(RelativeBox(0.6, 0.6, 0.2, 0.15))).note.box == (90, 120, 30, 30)


def test_crop_tells_its_box_in_pixels_of_the_image(image: Path) -> None:
    crop = crop_one(work_on(image, (60, 40, 50, 30)))
    assert crop.note.box == pytest.approx((60, 40, 50, 30))
    assert crop.note.image_size == IMAGE_SIZE


def test_crop_of_a_box_that_overhangs_tells_the_part_inside(image: Path) -> None:
    crop = crop_one(work_on(image, (-10, -10, 50, 30)))
    assert crop.note.box == pytest.approx((0, 0, 40, 20))
    assert crop.note.size == (40, 40)


@pytest.mark.parametrize("recorded_size", [(400, 300), (100, 75), (133, 100)])
def test_crop_of_a_copy_of_another_size_scales_the_box(image: Path, recorded_size: tuple[int, int]) -> None:
    scale = recorded_size[0] / WIDTH, recorded_size[1] / HEIGHT
    box = (60 * scale[0], 40 * scale[1], 50 * scale[0], 30 * scale[1])
    crop = crop_one(work_on(image, box, recorded_size=recorded_size))
    assert crop.note.box == pytest.approx((60, 40, 50, 30))
    assert max(crop.note.size) in (50, 51)


def test_crop_of_an_image_without_a_recorded_size_is_made(image: Path) -> None:
    assert crop_one(work_on(image, (60, 40, 50, 30), recorded_size=None)).note.size == (50, 50)


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
    work = work_on(image, (60, 40, 50, 30))
    assert crop_one(work, params(shape=shape, max_side=max_side)).note.size == size
    assert open_image(work.targets[0]).size == size


@pytest.mark.parametrize("quality", [None, 95, 100])
def test_crop_is_stored_at_the_quality_that_is_wanted_and_by_default_at_95(
    image: Path, tmp_path: Path, quality: int | None
) -> None:
    work = work_on(image, (60, 40, 50, 30))
    crop_one(work, params() if quality is None else params(jpeg_quality=quality))
    reference = write_image(tmp_path / "reference.jpg", coordinates(), "JPEG", quality=quality or 95)
    assert quantization(work.targets[0]) == quantization(reference)


def quantization(path: Path) -> dict[int, list[int]]:
    """The tables by which a JPEG was made coarser: they tell its quality."""
    with Image.open(path) as image:
        return {number: list(table) for number, table in image.quantization.items()}  # type: ignore[attr-defined]


def test_crop_of_a_box_a_fraction_of_a_pixel_high_has_a_pixel(image: Path) -> None:
    assert crop_one(work_on(image, (60, 40.3, 50, 0.1)), params(shape="tight")).note.size == (50, 1)


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
    (rejected,) = reject_all(work_on(image, box))
    assert rejected.reason == reason
    assert rejected.detail


def test_box_that_is_just_large_enough_is_cropped(image: Path) -> None:
    assert crop_one(work_on(image, (60, 40, 8, 2)), params(min_side=8)).note.size == (8, 8)


@pytest.mark.parametrize("recorded_size", [(150, 200), (200, 100), (206, 150), (4000, 3001 // 2)])
def test_image_of_another_shape_than_recorded_is_rejected(image: Path, recorded_size: tuple[int, int]) -> None:
    (rejected,) = reject_all(work_on(image, (10, 10, 50, 50), recorded_size=recorded_size))
    assert rejected.reason == Reason.SIZE_MISMATCH
    assert f"recorded {recorded_size[0]} × {recorded_size[1]} pixels, the upright file has 200 × 150" in rejected.detail


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.999])
def test_image_that_was_cut_off_is_rejected_and_never_grey(tmp_path: Path, share: float) -> None:
    image = write_jpeg(tmp_path / "images" / "image.jpg")
    data = image.read_bytes()
    image.write_bytes(data[: int(share * len(data))])
    rejected = reject_all(work_on(image, (0, 0, 20, 20), (60, 100, 50, 30)))
    assert [(one.key, one.reason) for one in rejected] == [(0, Reason.UNREADABLE_IMAGE), (1, Reason.UNREADABLE_IMAGE)]


def test_image_that_is_absent_is_rejected(tmp_path: Path) -> None:
    (rejected,) = reject_all(work_on(tmp_path / "images" / "none.jpg", (0, 0, 20, 20)))
    assert rejected.reason == Reason.UNREADABLE_IMAGE
    assert "No such file" in rejected.detail


def test_image_with_boxes_of_which_one_cannot_be_cropped_gives_the_others(image: Path) -> None:
    outcomes = work_on(image, (0, 0, 20, 20), (60, 40, 1, 1), (100, 100, 30, 30)).run()
    assert [type(outcome) for outcome in outcomes] == [Crop, Rejected, Crop]
    assert [outcome.key for outcome in outcomes] == [0, 1, 2]


# Crops that are there already

BOXES = ((0.0, 0.0, 20.0, 20.0), (60.0, 40.0, 50.0, 30.0))


def age(work: Work) -> None:
    """Make the crops of a task look old, so that one that is written again can be told."""
    for target in work.targets:
        os.utime(target, ns=(0, 0))


def written_again(work: Work) -> list[bool]:
    return [target.stat().st_mtime_ns != 0 for target in work.targets]


def made(outcomes: list[Crop | Rejected]) -> list[bool]:
    return [isinstance(outcome, Crop) and outcome.made for outcome in outcomes]


@pytest.mark.parametrize("max_side", [None, 16])
def test_crops_that_are_unchanged_are_not_made_again(image: Path, max_side: int | None) -> None:
    work, options = work_on(image, *BOXES), params(max_side=max_side)
    first = work.run(options)
    age(work)
    second = work.run(options)
    assert made(first) == [True, True]
    assert made(second) == [False, False]
    assert written_again(work) == [False, False]
    for one, other in zip(first, second, strict=True):
        assert isinstance(one, Crop)
        assert isinstance(other, Crop)
        assert (one.key, one.note) == (other.key, other.note)


def test_crops_that_are_unchanged_need_no_image(image: Path) -> None:
    work = work_on(image, *BOXES)
    work.run()
    image.unlink()
    assert made(work.run()) == [False, False]


def test_crop_whose_box_changed_is_made_again_and_the_others_are_not(image: Path) -> None:
    work_on(image, *BOXES).run()
    work = work_on(image, BOXES[0], (61, 40, 50, 30))
    age(work)
    assert made(work.run()) == [False, True]
    assert written_again(work) == [False, True]
    assert pixels(work.targets[1])[25, 25, 0] == pytest.approx(86, abs=4)


@pytest.mark.parametrize(
    "changes", [{"margin": 0.2}, {"jpeg_quality": 96}, {"shape": "tight"}, {"max_side": 16}, {"min_side": 9}]
)
def test_crops_with_a_changed_parameter_are_made_again(image: Path, changes: dict[str, Any]) -> None:
    work = work_on(image, *BOXES)
    work.run()
    age(work)
    assert made(work.run(params(**changes))) == [True, True]
    assert written_again(work) == [True, True]


def test_crops_of_an_image_that_changed_are_made_again(image: Path) -> None:
    work_on(image, *BOXES).run()
    assert made(work_on(image, *BOXES, checksum="of another").run()) == [True, True]


def test_crop_that_is_gone_is_made_again_and_the_others_are_not(image: Path) -> None:
    work = work_on(image, *BOXES)
    work.run()
    work.targets[0].unlink()
    assert made(work.run()) == [True, False]


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
    work = work_on(image, *BOXES)
    work.run()
    target = work.targets[1]
    whole = target.read_bytes()
    target.write_bytes(DAMAGE[damage](whole))
    assert target.read_bytes() != whole
    assert made(work.run()) == [False, True]
    assert target.read_bytes() == whole


def test_crops_that_changed_places_are_made_again(image: Path) -> None:
    work = work_on(image, *BOXES)
    work.run()
    first, second = work.targets
    wholes = first.read_bytes(), second.read_bytes()
    first.write_bytes(wholes[1])
    second.write_bytes(wholes[0])
    assert made(work.run()) == [True, True]
    assert (first.read_bytes(), second.read_bytes()) == wholes


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4), st.integers(-3, 0))
def test_crop_whose_file_was_damaged_anyhow_is_made_again_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], missing: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "damaged"
    image = write_image(folder / "images" / "image.png", coordinates(), "PNG")
    work = work_on(image, BOXES[1])
    target = work.targets[0]
    crop = crop_one(work)
    whole = target.read_bytes()
    damaged = bytearray(whole)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    left = bytes(damaged[: len(damaged) + missing])
    target.write_bytes(left)
    again = crop_one(work)
    assert again.made == (left != whole)
    assert target.read_bytes() == whole
    assert (again.note.box, again.note.image_size, again.note.size) == (
        crop.note.box,
        crop.note.image_size,
        crop.note.size,
    )


def test_crop_that_fails_to_be_written_keeps_the_old_one(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = work_on(image, BOXES[0])
    crop_one(work)
    whole = work.targets[0].read_bytes()

    def full_disk(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        work.run(params(margin=0.5))
    assert work.targets[0].read_bytes() == whole
    assert [path.name for path in work.folder.root.iterdir()] == ["0.jpg"]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 1), st.floats(0.05, 1))
@settings(max_examples=40, deadline=None)
def test_crop_of_any_relative_box_is_what_its_window_says(
    tmp_path_factory: pytest.TempPathFactory, left: float, top: float, width: float, height: float
) -> None:
    folder = tmp_path_factory.getbasetemp() / "relative"
    image = write_image(folder / "images" / "image.png", coordinates(), "PNG")
    target = folder / "crops" / "0.jpg"
    box = RelativeBox(left, top, width, height)
    (outcome,) = crop_image(
        CropTask(image.name, IMAGE_SIZE, (), (Box(0, box, "0.jpg", "0" * 32, has_file=False),)),
        store=ImageFolder(image.parent),
        crop_folder=ImageFolder(target.parent),
        params=params(min_side=1),
    )
    inside = box.in_pixels(*IMAGE_SIZE).clipped(*IMAGE_SIZE)
    if isinstance(outcome, Rejected):
        assert max(inside.width, inside.height) < 1 or min(inside.width, inside.height) < 0.01
        return
    assert outcome.note.box == pytest.approx(inside, abs=0.011)
    shown = window_of(outcome.note.box, IMAGE_SIZE, "square", 0)
    assert outcome.note.size == (shown[2] - shown[0], shown[3] - shown[1]) == open_image(target).size
