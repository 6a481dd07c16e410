"""From a box and an image to a crop: the geometry, the pixels and the file."""

import hashlib
import io
import json
import math
import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from PIL import Image

from animl_kedro.boxes import PixelBox, RelativeBox
from animl_kedro.files import written_whole
from animl_kedro.images import UnreadableImageError, open_image
from animl_kedro.pipelines.detection_cropping.parameters import CroppingParams

ASPECT_TOLERANCE = 0.02
"""Relative difference of width to height at which a file is not the picture that the export recorded."""

NOTE = re.compile(rb'\{"fingerprint": "(?P<fingerprint>\w+)", [^}]*"checksum": "(?P<checksum>\w{8})"\}')
"""What the comment of a crop's file tells: what it was made of, two sizes, and the checksum of all else in the file."""


class Reason(StrEnum):
    """Why a box did not become a crop."""

    UNREADABLE_IMAGE = "unreadable_image"
    SIZE_MISMATCH = "size_mismatch"
    TOO_SMALL = "too_small"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class Box:
    """A box to be cropped, and where the crop belongs. `key` is the caller's."""

    key: int
    box: RelativeBox
    target: Path


@dataclass(frozen=True)
class CropTask:
    """The boxes of one image. `recorded_size` is the size in pixels that the boxes were drawn on, if it is known."""

    image: Path
    image_checksum: str
    recorded_size: tuple[int, int] | None
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Crop:
    """A crop that is in place: its box in pixels of the image, its own size, and whether it was made just now."""

    key: int
    box: PixelBox
    image_size: tuple[int, int]
    size: tuple[int, int]
    made: bool


@dataclass(frozen=True)
class Rejected:
    """A box that did not become a crop."""

    key: int
    reason: Reason
    detail: str


def window_of(
    box: PixelBox, image_size: tuple[int, int], shape: Literal["square", "pad", "tight"], margin: float
) -> tuple[int, int, int, int]:
    """The part of an image that a crop shows: left, top, right, bottom in whole pixels.

    The window always holds the whole box, as far as the box is inside the frame. For "square" it is a square of the
    box's longer side (rounded outward), inside the frame unless the frame is smaller than the square; for "pad" a
    square centred on the box, which may reach beyond the frame; for "tight" the box. `margin` is added on each side,
    in fractions of the box's longer side; a tight box stays inside the frame.
    """
    width, height = image_size
    extra = margin * max(box.width, box.height)
    left, top = math.floor(box.left - extra), math.floor(box.top - extra)
    right, bottom = math.ceil(box.right + extra), math.ceil(box.bottom + extra)
    if shape == "tight":
        return max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    side = max(right - left, bottom - top)
    left -= (side - (right - left)) // 2
    top -= (side - (bottom - top)) // 2
    if shape == "square":
        left, top = _shifted(left, side, width), _shifted(top, side, height)
    return left, top, left + side, top + side


def _shifted(start: int, side: int, frame: int) -> int:
    """Where a stretch of this side starts so that it lies inside the frame, or centred on a frame that is shorter."""
    return (frame - side) // 2 if side > frame else min(max(start, 0), frame - side)


def crop_image(task: CropTask, params: CroppingParams) -> list[Crop | Rejected]:
    """Make the crops of an image that are not there yet, each file written whole.

    A crop is there if its file is as it was written and carries the fingerprint of this very image, box and
    parameters, so that a changed or damaged one is made again and an unchanged one is not.
    """
    fingerprints = {box.key: _fingerprint(task.image_checksum, box.box, params) for box in task.boxes}
    done = {box.key: _find_crop(box, fingerprints[box.key]) for box in task.boxes}
    if all(done.values()):
        return [crop for crop in done.values() if crop]
    try:
        image = open_image(task.image)
    except UnreadableImageError as error:
        return [Rejected(box.key, Reason.UNREADABLE_IMAGE, str(error)) for box in task.boxes]
    if mismatch := _mismatch(task.recorded_size, image.size):
        return [Rejected(box.key, Reason.SIZE_MISMATCH, mismatch) for box in task.boxes]
    return [done[box.key] or _crop_box(image, box, fingerprints[box.key], params) for box in task.boxes]


def _crop_box(image: Image.Image, box: Box, fingerprint: str, params: CroppingParams) -> Crop | Rejected:
    pixels = box.box.in_pixels(*image.size).clipped(*image.size)
    if min(pixels.width, pixels.height) <= 0:
        return Rejected(box.key, Reason.OUTSIDE, f"nothing of the box is inside of the {image.size} image")
    if max(pixels.width, pixels.height) < params.min_side:
        detail = f"{pixels.width:.0f} × {pixels.height:.0f} pixels, at least {params.min_side} are wanted"
        return Rejected(box.key, Reason.TOO_SMALL, detail)
    window = window_of(pixels, image.size, params.shape, params.margin)
    crop = image.crop(window)  # black where the window reaches beyond the frame
    if params.max_side:
        crop.thumbnail((params.max_side, params.max_side), Image.Resampling.LANCZOS)
    data = _encode(crop, fingerprint, image.size, params.jpeg_quality)
    with written_whole(box.target) as temporary:
        temporary.write_bytes(data)
    return Crop(box.key, pixels, image.size, crop.size, made=True)


def _encode(crop: Image.Image, fingerprint: str, image_size: tuple[int, int], quality: int) -> bytes:
    """The JPEG file of a crop, with its note."""
    note = {"fingerprint": fingerprint, "image_size": image_size, "size": crop.size, "checksum": "0" * 8}
    buffer = io.BytesIO()
    crop.save(buffer, format="JPEG", quality=quality, comment=json.dumps(note))
    return _sealed(buffer.getvalue())


def _sealed(data: bytes) -> bytes:
    """The file with the right checksum in its note: a crop's file that is whole stays as it is."""
    if not (note := NOTE.search(data)):
        return b""
    start, end = note.span("checksum")
    return data[:start] + b"%08x" % zlib.crc32(data[end:], zlib.crc32(data[:start])) + data[end:]


def _find_crop(box: Box, fingerprint: str) -> Crop | None:
    """The crop that is in place already, told by the note in its file, or None."""
    try:
        data = box.target.read_bytes()
    except OSError:
        return None
    found = NOTE.search(data)
    if not found or found["fingerprint"].decode() != fingerprint or _sealed(data) != data:
        return None
    note = json.loads(found.group())
    image_size, size = tuple(note["image_size"]), tuple(note["size"])
    return Crop(box.key, box.box.in_pixels(*image_size).clipped(*image_size), image_size, size, made=False)


def _fingerprint(image_checksum: str, box: RelativeBox, params: CroppingParams) -> str:
    return hashlib.sha256(f"{image_checksum} {tuple(box)} {params.checksum()}".encode()).hexdigest()[:32]


def _mismatch(recorded: tuple[int, int] | None, real: tuple[int, int]) -> str | None:
    """Why boxes drawn on a picture of the recorded size do not fit the real one, or None if they do.

    A smaller or larger copy of the same picture fits, since boxes are fractions.
    """
    if recorded is None:
        return None
    aspects = recorded[0] / recorded[1], real[0] / real[1]
    if abs(aspects[0] / aspects[1] - 1) <= ASPECT_TOLERANCE:
        return None
    return f"the export recorded {recorded[0]} × {recorded[1]} pixels, the file has {real[0]} × {real[1]}"
