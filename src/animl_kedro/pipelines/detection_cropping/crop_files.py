"""The file of a crop: a JPEG whose comment tells what it was made of, and whether it is still as it was written."""

import io
import json
import re
import zlib
from typing import NamedTuple

from PIL import Image

from animl_kedro.boxes import PixelBox
from animl_kedro.cropping.windows import Size

_NOTE = re.compile(rb'\{"fingerprint": "\w+", [^}]*"checksum": "(?P<checksum>\w{8})"\}')

CROP_NAME = re.compile(r".+___crop\d{2,}(_mdv[^/]+)?\.jpg")
"""The names of crops, as CameraTraps gives them: an annotated box, or one that a version of MegaDetector found."""


class Note(NamedTuple):
    """What a crop's file tells of itself.

    ``fingerprint`` stands for the image, the box and the parameters; ``box`` and ``image_size`` are pixels of the
    upright image, ``size`` is the crop's own in pixels.
    """

    fingerprint: str
    box: PixelBox
    image_size: Size
    size: Size

    @classmethod
    def of(cls, fingerprint: str, box: list[float], image_size: list[int], size: list[int]) -> "Note":
        """A note of its parts, as JSON gives them."""
        return cls(fingerprint, PixelBox(*box), (image_size[0], image_size[1]), (size[0], size[1]))


def crop_id_of(image_path: str, number: int, detector: str | None) -> str:
    """The path of a crop below the crop folder: the image's, the number of its box, and what found it."""
    source = f"_mdv{detector}" if detector else ""
    return f"{image_path}___crop{number:02d}{source}.jpg"


def image_of(crop_id: str) -> str:
    """The path of the image that a crop was made of, told by the crop's name."""
    return crop_id.rpartition("___crop")[0]


def encode(crop: Image.Image, note: Note, quality: int) -> bytes:
    """The JPEG file of a crop, with its note."""
    buffer = io.BytesIO()
    comment = json.dumps(note._asdict() | {"checksum": "0" * 8})
    crop.save(buffer, format="JPEG", quality=quality, comment=comment)
    data = buffer.getvalue()
    found = _NOTE.search(data)
    if found is None:
        raise AssertionError(f"the note {comment!r} is not in the file it was written to")
    return _sealed(data, found)


def read_note(data: bytes) -> Note | None:
    """The note in a crop's file, or None where there is none or the file is not as it was written."""
    found = _NOTE.search(data)
    if found is None or _sealed(data, found) != data:
        return None
    told = json.loads(found.group())
    del told["checksum"]
    return Note.of(**told)


def _sealed(data: bytes, note: re.Match[bytes]) -> bytes:
    """The file with the right checksum in its note, of all bytes but the checksum's own."""
    start, end = note.span("checksum")
    return data[:start] + b"%08x" % zlib.crc32(data[end:], zlib.crc32(data[:start])) + data[end:]
