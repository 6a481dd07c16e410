"""The one door for pixels: what comes through is upright, RGB and whole, and nothing else comes through."""

import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from animl_kedro import images
from animl_kedro.images import Photograph, UnreadableImageError, open_image
from factories import coordinates, exif_of, write_image, write_jpeg

SIZE = (24, 16)

RED, BLUE = (250, 10, 20), (30, 40, 200)


def header_size(path: Path) -> tuple[int, int]:
    """Width and height of the upright image, for which no pixel is decoded."""
    return Photograph(path.read_bytes()).size


def encoded(image: Image.Image, image_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def stored(upright: Image.Image, orientation: int) -> Image.Image:
    """The pixels as a camera stores them that writes this orientation beside them."""
    turns: dict[int, list[Image.Transpose]] = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    for turn in turns[orientation]:
        upright = upright.transpose(turn)
    return upright


LOSSLESS: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
"""How to save in a format with as little loss as it can."""


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_open_image_with_an_orientation_gives_upright_pixels(
    tmp_path: Path, orientation: int, image_format: str
) -> None:
    path = write_image(
        tmp_path / "image",
        stored(coordinates(SIZE), orientation),
        image_format,
        orientation=orientation,
        **LOSSLESS.get(image_format, {}),
    )
    image = open_image(path)
    assert image.mode == "RGB"
    np.testing.assert_allclose(np.asarray(image).astype(int), np.asarray(coordinates(SIZE)).astype(int), atol=3)
    assert header_size(path) == image.size == SIZE


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [0, 9, 90, 65535])
def test_open_image_with_an_orientation_that_does_not_exist_takes_the_pixels_as_they_are(
    tmp_path: Path, orientation: int, image_format: str
) -> None:
    path = write_image(tmp_path / "image", coordinates(SIZE), image_format, orientation=orientation)
    assert header_size(path) == open_image(path).size == SIZE


def test_open_image_gives_no_orientation_to_be_applied_again(tmp_path: Path) -> None:
    image = open_image(write_jpeg(tmp_path / "image.jpg", SIZE, orientation=6))
    assert ImageOps.exif_transpose(image).size == image.size


def grey_ramp() -> Image.Image:
    return Image.fromarray(np.array([[0, 100, 255]], np.uint8))


def grey_ramp_of_16_bits() -> Image.Image:
    return Image.fromarray(np.array([[0, 100 * 257, 65535]], np.uint16))


def with_alpha(mode: str, pixels: list[Any]) -> Image.Image:
    image = Image.new(mode, (len(pixels), 1))
    image.putdata(pixels)
    return image


def palette(**options: Any) -> bytes:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putdata([0, 1])
    return encoded(image, "PNG", **options)


MODES: dict[str, tuple[Callable[[], bytes], list[tuple[int, int, int]]]] = {
    "L": (lambda: encoded(grey_ramp(), "PNG"), [(0, 0, 0), (100, 100, 100), (255, 255, 255)]),
    "1": (lambda: encoded(with_alpha("1", [0, 1]), "PNG"), [(0, 0, 0), (255, 255, 255)]),
    "I;16 PNG": (lambda: encoded(grey_ramp_of_16_bits(), "PNG"), [(0, 0, 0), (100, 100, 100), (255, 255, 255)]),
    "I;16 TIFF": (lambda: encoded(grey_ramp_of_16_bits(), "TIFF"), [(0, 0, 0), (100, 100, 100), (255, 255, 255)]),
    "LA on black": (
        lambda: encoded(with_alpha("LA", [(200, 255), (200, 0), (200, 51)]), "PNG"),
        [(200, 200, 200), (0, 0, 0), (40, 40, 40)],
    ),
    "RGBA on black": (
        lambda: encoded(with_alpha("RGBA", [(*RED, 255), (*RED, 0), (*RED, 102)]), "PNG"),
        [RED, (0, 0, 0), (100, 4, 8)],
    ),
    "RGB with a transparent colour": (
        lambda: encoded(with_alpha("RGB", [RED, BLUE]), "PNG", transparency=RED),
        [(0, 0, 0), BLUE],
    ),
    "P": (palette, [RED, BLUE]),
    "P with a transparent colour": (lambda: palette(transparency=0), [(0, 0, 0), BLUE]),
    "P with alpha values": (lambda: palette(transparency=bytes([255, 0])), [RED, (0, 0, 0)]),
    "CMYK": (
        lambda: encoded(with_alpha("CMYK", [(0, 0, 0, 0), (0, 0, 0, 255), (0, 255, 255, 0)]), "TIFF"),
        [(255, 255, 255), (0, 0, 0), (255, 0, 0)],
    ),
}


@pytest.mark.parametrize("mode", MODES)
def test_open_image_of_any_mode_gives_the_right_rgb(mode: str) -> None:
    make, expected = MODES[mode]
    image = open_image(make())
    assert image.mode == "RGB"
    np.testing.assert_allclose(np.asarray(image)[0], expected, atol=1)


@pytest.mark.parametrize(
    ("image_format", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"quality": 95}),
        ("BMP", {}),
        ("GIF", {}),
    ],
)
def test_open_image_in_any_usual_format_gives_its_pixels(image_format: str, options: dict[str, Any]) -> None:
    image = open_image(encoded(coordinates(SIZE), image_format, **options))
    assert (image.mode, image.size) == ("RGB", SIZE)
    np.testing.assert_allclose(np.asarray(image).astype(int), np.asarray(coordinates(SIZE)).astype(int), atol=24)


def test_open_image_of_a_cmyk_jpeg_as_photoshop_writes_it_is_not_inverted() -> None:
    white = Image.new("CMYK", SIZE, (0, 0, 0, 0))
    assert open_image(encoded(white, "JPEG")).getpixel((5, 5)) == (255, 255, 255)


def test_open_image_can_be_used_after_its_file_is_gone(tmp_path: Path) -> None:
    path = write_jpeg(tmp_path / "image.jpg", SIZE)
    image = open_image(path)
    path.unlink()
    assert image.resize((1, 1)).size == (1, 1)


@pytest.mark.parametrize("progressive", [False, True])
def test_open_image_that_was_cut_off_anywhere_is_refused(progressive: bool) -> None:
    whole = encoded(coordinates(SIZE), "JPEG", progressive=progressive)
    for length in range(1, len(whole)):
        with pytest.raises(UnreadableImageError):
            open_image(whole[:length])


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_open_image_that_lacks_its_second_half_is_refused(image_format: str) -> None:
    whole = encoded(coordinates(SIZE), image_format)
    with pytest.raises(UnreadableImageError):
        open_image(whole[: len(whole) // 2])


def test_open_image_that_was_cut_off_says_that_it_is_damaged() -> None:
    whole = encoded(coordinates(SIZE), "JPEG")
    with pytest.raises(UnreadableImageError, match=r"damaged: .*truncated"):
        open_image(whole[:-10])


@pytest.mark.parametrize("read", [open_image, header_size])
@pytest.mark.parametrize("content", [b"", b"not an image, but text", b"<html>Access denied</html>", bytes(1000)])
def test_image_that_is_none_is_refused(tmp_path: Path, content: bytes, read: Callable[[Path], object]) -> None:
    path = tmp_path / "image.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match="not an image" if content else "empty"):
        read(path)


def test_image_that_is_absent_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="No such file"):
        open_image(tmp_path / "none.jpg")
    with pytest.raises(UnreadableImageError, match="directory"):
        open_image(tmp_path)


def test_open_image_with_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", SIZE[0] * SIZE[1] - 1)
    cut_off = encoded(coordinates(SIZE), "JPEG")[:-10]
    with pytest.raises(UnreadableImageError, match=r"24 × 16 pixels, more than the 383 allowed"):
        open_image(cut_off)


def test_open_image_with_as_many_pixels_as_are_allowed_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", SIZE[0] * SIZE[1])
    assert open_image(encoded(coordinates(SIZE), "JPEG")).size == SIZE


@pytest.mark.parametrize("read", [open_image, header_size])
def test_image_that_claims_to_be_a_billion_pixels_is_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    whole = bytearray(encoded(coordinates(SIZE), "BMP"))
    whole[18:26] = (40_000).to_bytes(4, "little") * 2
    path = tmp_path / "bomb.bmp"
    path.write_bytes(whole)
    with pytest.raises(UnreadableImageError):
        read(path)


@pytest.mark.parametrize("tag", [256, 257, 258, 259, 262, 273, 277, 278, 279, 284])
@pytest.mark.parametrize("kind", range(1, 14))
def test_tiff_whose_numbers_are_of_another_kind_is_opened_or_refused(tag: int, kind: int) -> None:
    data = bytearray(encoded(coordinates(SIZE), "TIFF"))
    start = int.from_bytes(data[4:8], "little") + 2
    entries = range(start, start + 12 * int.from_bytes(data[start - 2 : start], "little"), 12)
    (entry,) = (at for at in entries if int.from_bytes(data[at : at + 2], "little") == tag)
    data[entry + 2] = kind
    with suppress(UnreadableImageError):
        assert open_image(bytes(data)).mode == "RGB"


SOURCES = [
    encoded(coordinates(SIZE), "JPEG", exif=exif_of(6)),
    encoded(coordinates(SIZE), "PNG", exif=exif_of(6)),
    encoded(coordinates(SIZE), "WEBP", exif=exif_of(6)),
    encoded(coordinates(SIZE), "BMP"),
    encoded(coordinates(SIZE), "GIF"),
]


@pytest.mark.filterwarnings("ignore:.*EXIF data:UserWarning", "ignore:Tag data:UserWarning")
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SOURCES), st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), max_size=4))
def test_image_with_changed_bytes_is_opened_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, source: bytes, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(source)
    for position, value in changes:
        data[position % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(data)
    try:
        size = header_size(path)
    except UnreadableImageError:
        size = None
    try:
        image = open_image(path)
    except UnreadableImageError:
        return
    assert image.mode == "RGB"
    assert image.size == size


def test_photograph_tells_its_size_by_the_header_alone(tmp_path: Path) -> None:
    path = write_jpeg(tmp_path / "image.jpg", (200, 150), orientation=6)
    path.write_bytes(path.read_bytes()[:1000])
    assert header_size(path) == (150, 200)
    with pytest.raises(UnreadableImageError, match="truncated"):
        open_image(path)


def test_photograph_with_an_orientation_that_is_text_takes_the_pixels_as_they_are(tmp_path: Path) -> None:
    path = write_jpeg(tmp_path / "image.jpg", SIZE, orientation=6)
    short, text = bytes.fromhex("0112 0003 00000001"), bytes.fromhex("0112 0002 00000001")
    data = path.read_bytes()
    assert short in data
    path.write_bytes(data.replace(short, text))
    assert header_size(path) == open_image(path).size == SIZE


def test_open_image_of_a_format_that_starts_other_programs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.jpg"
    Image.new("RGB", (20, 20)).save(path, format="EPS")
    with pytest.raises(UnreadableImageError, match="not an image in a known format"):
        open_image(path)
