"""From an image and its boxes to crops in their files."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from animl_kedro.boxes import PixelBox, RelativeBox
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.cropping.pictures import cut
from animl_kedro.cropping.windows import Fit, Size, fit_of, overlaps, upright_box, window_of
from animl_kedro.image_folder import ImageFolder
from animl_kedro.images import Photograph, UnreadableImageError, Window
from animl_kedro.pipelines.detection_cropping.crop_files import Note, encode, read_note
from animl_kedro.pipelines.detection_cropping.reasons import Reason
from animl_kedro.places import FileStat


@dataclass(frozen=True)
class Box:
    """A box to be cropped, in fractions, and its crop's id. `key` is the caller's.

    ``fingerprint`` stands for all that the crop is made of; ``has_file`` tells that a file may be there already.
    """

    key: int
    box: RelativeBox
    crop_id: str
    fingerprint: str
    has_file: bool


@dataclass(frozen=True)
class CropTask:
    """The boxes of one image, by its path.

    ``recorded_size`` is the size in pixels that people drew boxes on, or None where they are of the upright file.
    ``others`` are boxes of people and vehicles, of which no crop shows any part. A detector looks at the upright file:
    ``found_others`` are those that it found, and ``is_found`` tells that it found the `boxes` as well.
    """

    image: str
    recorded_size: Size | None
    others: tuple[RelativeBox, ...]
    boxes: tuple[Box, ...]
    found_others: tuple[RelativeBox, ...] = ()
    is_found: bool = False


@dataclass(frozen=True)
class Crop:
    """A crop that is in place, with its note and its file's size and time.

    ``made`` tells whether it was made just now, ``scaled`` whether its image has another size than recorded.
    """

    key: int
    note: Note
    stat: FileStat
    made: bool
    scaled: bool = False


@dataclass(frozen=True)
class Rejected:
    """A box that did not become a crop."""

    key: int
    reason: Reason
    detail: str


def fingerprint_of(
    image_checksum: str, recorded_size: Size | None, others: Sequence[RelativeBox], box: RelativeBox, settings: str
) -> str:
    """32 hexadecimal digits that change with anything that a crop is made of; `settings` are the parameters' own."""
    parts = (image_checksum, recorded_size, [tuple(other) for other in others], tuple(box), settings)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def crop_image(
    task: CropTask, *, store: ImageFolder, crop_folder: ImageFolder, params: CroppingParams
) -> list[Crop | Rejected]:
    """Make the crops of an image that are not there yet, each file written whole.

    A crop is there if its file is as it was written and carries the fingerprint of this very image, box and
    parameters, so that a changed or damaged one is made again and an unchanged one is not.
    """
    there = [crop for box in task.boxes if box.has_file and (crop := _find(box, crop_folder))]
    found = {crop.key for crop in there}
    absent = [box for box in task.boxes if box.key not in found]
    made = _crop_all(absent, task, store, crop_folder, params) if absent else []
    return sorted([*there, *made], key=lambda outcome: outcome.key)


def lose(task: CropTask) -> list[Crop | Rejected]:
    """What becomes of an image whose processing ends its process again and again."""
    detail = "the process that cropped the image ended before it was done, each time: is there memory enough?"
    return [Rejected(box.key, Reason.WORKER_LOST, detail) for box in task.boxes]


def _find(box: Box, crop_folder: ImageFolder) -> Crop | None:
    """The crop that is in place already, told by the note in its file."""
    try:
        note = read_note(crop_folder.read(box.crop_id))
        stat = crop_folder.stat(box.crop_id)
    except OSError:
        return None
    return Crop(box.key, note, stat, made=False) if note and stat and note.fingerprint == box.fingerprint else None


def _crop_all(
    boxes: Sequence[Box], task: CropTask, store: ImageFolder, crop_folder: ImageFolder, params: CroppingParams
) -> list[Crop | Rejected]:
    """Crop these boxes of the image, which is read once."""
    try:
        photograph = Photograph(store.read(task.image))
        fit = fit_of(task.recorded_size, photograph.size, photograph.stored_size)
        if fit is None:
            return [Rejected(box.key, Reason.SIZE_MISMATCH, _mismatch(task, photograph)) for box in boxes]
        windows, rejected = _windows(boxes, task, photograph, fit, params)
        crops = cut(photograph, [window for _, _, window in windows], params)
    except (OSError, UnreadableImageError) as error:
        return [Rejected(box.key, Reason.UNREADABLE_IMAGE, _said(error)) for box in boxes]
    made = [
        _save(box, pixels, crop, photograph.size, crop_folder, params, scaled=fit.scaled)
        for (box, pixels, _), crop in zip(windows, crops, strict=True)
    ]
    return [*made, *rejected]


def _windows(
    boxes: Sequence[Box], task: CropTask, photograph: Photograph, fit: Fit, params: CroppingParams
) -> tuple[list[tuple[Box, PixelBox, Window]], list[Rejected]]:
    """Box, its pixels and its crop's window for each that can be cropped, and the others."""
    size = photograph.size

    def in_pixels(box: RelativeBox, *, is_found: bool) -> PixelBox:
        upright = upright_box(box, photograph.orientation) if fit.turned and not is_found else box
        return upright.in_pixels(*size).clipped(*size)

    others = [in_pixels(other, is_found=False) for other in task.others]
    others += [in_pixels(other, is_found=True) for other in task.found_others]
    windows, rejected = [], []
    for box in boxes:
        pixels = in_pixels(box.box, is_found=task.is_found)
        fault = _fault(pixels, size, params)
        window = window_of(pixels, size, params.shape, params.margin)
        if fault is None and any(overlaps(window, other) for other in others):
            fault = (Reason.SHOWS_OTHERS, "a part of a person or a vehicle would be on the crop")
        if fault is None:
            windows.append((box, pixels, window))
        else:
            rejected.append(Rejected(box.key, *fault))
    return windows, rejected


def _fault(pixels: PixelBox, size: Size, params: CroppingParams) -> tuple[Reason, str] | None:
    if min(pixels.width, pixels.height) <= 0:
        return Reason.OUTSIDE, f"nothing of the box is inside of the {size} image"
    if max(pixels.width, pixels.height) < params.min_side:
        detail = f"{pixels.width:.0f} × {pixels.height:.0f} pixels, at least {params.min_side} are wanted"
        return Reason.TOO_SMALL, detail
    return None


def _save(
    box: Box,
    pixels: PixelBox,
    crop: Image.Image,
    image_size: Size,
    crop_folder: ImageFolder,
    params: CroppingParams,
    *,
    scaled: bool,
) -> Crop:
    note = Note(box.fingerprint, pixels, image_size, crop.size)
    stat = crop_folder.write(box.crop_id, encode(crop, note, params.jpeg_quality))
    return Crop(box.key, note, stat, made=True, scaled=scaled)


def _mismatch(task: CropTask, photograph: Photograph) -> str:
    width, height = task.recorded_size or photograph.size
    real = " × ".join(map(str, photograph.size))
    return f"the export recorded {width} × {height} pixels, the upright file has {real}"


def _said(error: OSError | UnreadableImageError) -> str:
    return f"cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)
