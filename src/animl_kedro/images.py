"""The one door for pixels: every image of the project is opened here.

What comes out is upright by its EXIF orientation, RGB, and whole. What is truncated, empty, not an image or
suspiciously large is refused with an :class:`UnreadableImageError`; no half-grey picture passes.

:func:`open_image` decodes all of an image, a :class:`Photograph` only the parts that are asked for.
"""

import io
import re
import struct
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, Image, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
"""What cameras and archives hold. Pillow knows more, some of which (EPS) start other programs to be read."""

DAMAGES = (OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, struct.error)
"""What Pillow raises at damaged files, of which its readers believe many a number."""

JPEG_START = b"\xff\xd8"
"""With what each JPEG starts."""

JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What parts a JPEG, other than the restart markers within its pixels."""

JPEG_END = b"\xff\xd9"

MAX_PIXELS = 200_000_000
"""Larger images are refused as decompression bombs; the largest camera-trap photographs have about 50 million."""

# Pillow's own bound only warns, at half of ours. Once for all, since threads that open images share the filters.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by its EXIF orientation; cameras write other numbers as well, which mean nothing."""

TURNED_ORIENTATIONS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""

MIRRORED_COLUMNS = (2, 3, 7, 8)
"""EXIF orientations with which columns are stored from the end, seen after width and height are swapped back."""

MIRRORED_ROWS = (3, 4, 6, 7)
"""EXIF orientations with which rows are stored from the end, seen after width and height are swapped back."""


class UnreadableImageError(Exception):
    """An image that cannot be used, with the reason in words."""


Window = tuple[int, int, int, int]
"""A rectangle of pixels of the upright image: left, top, right, bottom. It may reach beyond the frame."""


def _find_decoder() -> Callable[[bytes, tuple[int, int], Window], bytes] | None:
    try:
        from animl_kedro._jpeg_region import decode_region  # noqa: PLC0415
    except ImportError:
        return None
    return decode_region


DECODE_REGION = _find_decoder()
"""The decoder of parts of a JPEG; None where it could not be built, and Pillow decodes the whole."""


class Photograph:
    """An image in a file's bytes, whose pixels are decoded only where they are asked for.

    Attributes:
        size: Width and height in pixels of the upright image.
        stored_size: Width and height before the turn by the EXIF orientation.
        orientation: The EXIF orientation; 1 where there is none.
    """

    def __init__(self, data: bytes) -> None:
        """Read the header alone.

        Raises UnreadableImageError where there is none, or where it tells of more than `MAX_PIXELS`.
        """
        with _opened(data) as image:
            self.stored_size = image.size
            self.orientation = _orientation(image)
        self.size = _turned(self.stored_size, self.orientation)
        self._data = data

    def crop(self, windows: Sequence[Window]) -> list[Image.Image]:
        """The upright pixels of each window, in RGB; black where a window reaches beyond the frame.

        Raises UnreadableImageError where the image is truncated, be it outside of the windows, or damaged within them.
        """
        if not windows:
            return []
        stored = [_stored(window, self.stored_size, self.orientation) for window in windows]
        part = self._decode(stored)
        return [_upright(_cut(part, window), self.orientation) for window in stored]

    def pixels(self, window: Window) -> bytes:
        """What `crop` gives for one window, which lies within the frame: three bytes a pixel, row by row.

        Raises UnreadableImageError as `crop` does.
        """
        pixels = self._decode_region(window) if self.orientation not in UPRIGHT else None
        return self.crop([window])[0].tobytes() if pixels is None else pixels

    def whole(self) -> Image.Image:
        """All of the upright image, in RGB. Raises UnreadableImageError where it is truncated or damaged."""
        return self.crop([(0, 0, *self.size)])[0]

    def check(self) -> None:
        """Read the image to its end, and make a picture of its last pixel alone.

        Raises UnreadableImageError where `whole` would.
        """
        width, height = self.stored_size
        self._decode([(width - 1, height - 1, width, height)])

    def _decode(self, stored: Sequence[Window]) -> "_Part":
        """As much of the image as the windows show, before any turn."""
        region = _region_around(stored, self.stored_size)
        pixels = self._decode_region(region)
        if pixels is None:
            return _Part(_decode_whole(self._data), left=0, top=0, is_shared=len(stored) > 1)
        left, top, right, bottom = region
        image = Image.frombytes("RGB", (right - left, bottom - top), pixels)
        return _Part(image, left, top, is_shared=len(stored) > 1)

    def _decode_region(self, region: Window) -> bytes | None:
        """The stored pixels of a rectangle within the frame; None where Pillow has to decode the whole."""
        if DECODE_REGION is None or not self._data.startswith(JPEG_START):
            return None
        try:
            return DECODE_REGION(self._data, self.stored_size, region)
        except ValueError as error:
            raise UnreadableImageError(f"damaged: {error}") from error
        except NotImplementedError:
            return None  # CMYK and the like: Pillow knows more


class _Part(NamedTuple):
    """Decoded pixels and where they lie in the frame."""

    pixels: Image.Image
    left: int
    top: int
    is_shared: bool
    """Whether more than one window is cut out of it."""


def open_image(source: Path | bytes) -> Image.Image:
    """Open an image file, or its bytes, fully decoded, upright and in RGB.

    Raises UnreadableImageError where the file is absent, empty, truncated, not an image or over `MAX_PIXELS`.
    """
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"cannot be read: {error.strerror}") from error
    return Photograph(data).whole()


def upright(image: Image.Image) -> Image.Image:
    """What `open_image` makes of an image's file, of an image that somebody else has opened: upright and in RGB.

    Raises UnreadableImageError where its pixels cannot be read, or are more than `MAX_PIXELS`.
    """
    try:
        _check_size(image)
        orientation = _orientation(image)
        pixels = _upright(_to_rgb(image), orientation)
    except DAMAGES as error:
        raise UnreadableImageError(f"damaged: {error}") from error
    if pixels.info.get("exif"):
        pixels = pixels.copy()
        del pixels.info["exif"]  # lest somebody turns it once more
    return pixels


def _decode_whole(data: bytes) -> Image.Image:
    """All of an image in RGB, before any turn, as Pillow decodes it."""
    if data.startswith(JPEG_START) and not _has_end(data):
        raise UnreadableImageError("damaged: the image is truncated")  # Pillow takes fillings for pixels
    with _opened(data) as image:
        image.load()
        pixels = _to_rgb(image)
        pixels.info.pop("exif", None)  # lest somebody turns it once more
        return pixels


def _has_end(jpeg: bytes) -> bool:
    """Whether a JPEG has its mark of the end; that of a thumbnail within does not count."""
    at = len(JPEG_START)
    while found := JPEG_MARKER.search(jpeg, at):
        if found.group() == JPEG_END:
            return True
        at = found.end() + int.from_bytes(jpeg[found.end() : found.end() + 2])
    return False


def _cut(part: _Part, window: Window) -> Image.Image:
    """A window's own image out of the decoded pixels."""
    left, top, right, bottom = window
    place = (left - part.left, top - part.top, right - part.left, bottom - part.top)
    if place == (0, 0, *part.pixels.size) and not part.is_shared:
        return part.pixels  # a copy of a whole photograph takes 100 MB
    return part.pixels.crop(place)


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    method = UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


def _stored(region: Window, stored_size: tuple[int, int], orientation: int) -> Window:
    """The rectangle of stored pixels that the turn by the orientation brings to this one."""
    left, top, right, bottom = region
    if orientation in TURNED_ORIENTATIONS:
        left, top, right, bottom = top, left, bottom, right
    if orientation in MIRRORED_COLUMNS:
        left, right = stored_size[0] - right, stored_size[0] - left
    if orientation in MIRRORED_ROWS:
        top, bottom = stored_size[1] - bottom, stored_size[1] - top
    return left, top, right, bottom


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """An image of which the header is read; what goes wrong with it is told as an UnreadableImageError."""
    if not data:
        raise UnreadableImageError("the file is empty")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image)
            yield image
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(str(error)) from error
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image in a known format") from error
    except DAMAGES as error:
        raise UnreadableImageError(f"damaged: {error}") from error


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """The size of the upright image."""
    width, height = size
    return (height, width) if orientation in TURNED_ORIENTATIONS else (width, height)


def _region_around(windows: Sequence[Window], size: tuple[int, int]) -> Window:
    """The smallest rectangle that holds all that windows show of the frame; one pixel if they show nothing."""
    lefts, tops, rights, bottoms = zip(*windows, strict=True)
    left, right = _clipped(min(lefts), max(rights), size[0])
    top, bottom = _clipped(min(tops), max(bottoms), size[1])
    return left, top, right, bottom


def _clipped(start: int, end: int, length: int) -> tuple[int, int]:
    """The part of a stretch inside a frame of this length, of one pixel at least."""
    start = min(max(start, 0), length - 1)
    return start, max(min(end, length), start + 1)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1, upright, where there is none or the EXIF data are damaged."""
    if image.format == "TIFF":
        return 1  # Pillow turns a TIFF by itself
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except DAMAGES:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(f"{width} × {height} pixels, more than the {MAX_PIXELS:,} allowed")


def _to_rgb(image: Image.Image) -> Image.Image:
    """RGB of any mode; the 16 bits of grey images are scaled to 8, not clipped, and transparency lies on black."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    if "transparency" in image.info or image.mode in ("LA", "PA", "La"):
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        background = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(background, image)
    return image if image.mode == "RGB" else image.convert("RGB")
