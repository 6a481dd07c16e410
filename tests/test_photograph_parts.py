"""Photographs, of which only parts are decoded: the same pixels as a full decode gives, and the same refusals."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from animl_kedro import images
from animl_kedro.images import Photograph, UnreadableImageError, Window, open_image
from factories import coordinates, exif_of

SIZE = (200, 150)
TURNED = (SIZE[1], SIZE[0])
WINDOWS: dict[str, Window] = {
    "centre": (90, 60, 110, 85),
    "left edge": (0, 50, 30, 80),
    "top edge": (60, 0, 90, 30),
    "right edge": (120, 50, 150, 80),
    "bottom edge": (60, 120, 90, 150),
    "top left corner": (0, 0, 40, 40),
    "bottom right corner": (110, 110, 150, 150),
    "one pixel": (77, 33, 78, 34),
    "whole width": (0, 70, 150, 80),
    "beyond the top left": (-20, -10, 30, 20),
    "beyond the bottom right": (100, 100, 260, 260),
    "around the frame": (-10, -10, 210, 210),
    "outside the frame": (400, 400, 420, 430),
}
"""Of a frame of 200 × 150 and of one of 150 × 200."""


@pytest.fixture(params=["regions", "whole"], autouse=True)
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test with the decoder of regions and without it."""
    if request.param == "whole":
        monkeypatch.setattr(images, "DECODE_REGION", None)
    elif images.DECODE_REGION is None:
        pytest.skip("animl_kedro._jpeg_region is not built: it needs gcc and libjpeg-turbo's headers at installation")


def encoded(image: Image.Image, image_format: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def colourful(size: tuple[int, int] = SIZE, seed: int = 0, noise: int = 40) -> Image.Image:
    """Coarse colours under noise, so that smeared chroma is seen, as no two neighbours are alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (size[1] // 6 + 2, size[0] // 6 + 2, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize(size)).astype(int)
    pixels += rng.integers(-noise, noise + 1, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def decoded_by_pillow(data: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def assert_same(crops: list[Image.Image], expected: list[Image.Image]) -> None:
    assert [crop.mode for crop in crops] == ["RGB"] * len(expected)
    for crop, image in zip(crops, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(crop), np.asarray(image))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_crop_with_an_orientation_gives_the_upright_pixels_of_the_window(orientation: int, window: Window) -> None:
    data = encoded(colourful(), quality=90, exif=exif_of(orientation))
    photograph = Photograph(data)
    assert photograph.orientation == orientation
    assert photograph.stored_size == SIZE
    assert photograph.size == (TURNED if orientation >= 5 else SIZE)
    assert_same(photograph.crop([window]), [decoded_by_pillow(data).crop(window)])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pixels_of_a_window_are_those_of_its_crop(kind: str, orientation: int) -> None:
    photograph = Photograph(encoded(colourful(), kind, exif=exif_of(orientation)))
    window = (7, 11, 60, 90)
    assert photograph.pixels(window) == photograph.crop([window])[0].tobytes()


def test_crop_shows_the_pixels_of_its_window() -> None:
    data = encoded(coordinates(SIZE), quality=100, subsampling=0, exif=exif_of(1))
    (crop,) = Photograph(data).crop([(90, 60, 110, 85)])
    expected = np.asarray(coordinates(SIZE))[60:85, 90:110]
    np.testing.assert_allclose(np.asarray(crop).astype(int), expected.astype(int), atol=3)


def test_crop_beyond_the_frame_is_black_there() -> None:
    (crop,) = Photograph(encoded(Image.new("RGB", SIZE, (255, 255, 255)))).crop([(-10, 140, 20, 170)])
    pixels = np.asarray(crop)
    assert (pixels[:10, 10:] == 255).all()
    assert not pixels[:, :10].any()
    assert not pixels[10:].any()


KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "4:4:4": ("RGB", {"subsampling": 0}),
    "4:2:2": ("RGB", {"subsampling": 1}),
    "4:2:0": ("RGB", {"subsampling": 2}),
    "4:2:0, progressive": ("RGB", {"subsampling": 2, "progressive": True}),
    "4:4:4, progressive": ("RGB", {"subsampling": 0, "progressive": True}),
    "restart markers": ("RGB", {"restart_marker_blocks": 3}),
    "restart markers, progressive": ("RGB", {"restart_marker_rows": 1, "progressive": True}),
    "tables of its own": ("RGB", {"optimize": True}),
    "without chroma": ("RGB", {"keep_rgb": True}),
    "grey": ("L", {}),
    "grey, progressive": ("L", {"progressive": True}),
    "CMYK": ("CMYK", {}),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_crop_of_a_jpeg_of_any_kind_has_the_very_pixels_of_a_full_decode(kind: str, data: st.DataObject) -> None:
    mode, options = KINDS[kind]
    width, height = data.draw(st.integers(1, 200)), data.draw(st.integers(1, 120))
    file = encoded(colourful((width, height)).convert(mode), quality=data.draw(st.sampled_from([60, 92])), **options)
    whole = decoded_by_pillow(file)
    window = st.tuples(st.integers(-20, width), st.integers(-20, height), st.integers(1, 150), st.integers(1, 150)).map(
        lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
    )
    windows = data.draw(st.lists(window, min_size=1, max_size=3))
    assert_same(Photograph(file).crop(windows), [whole.crop(window) for window in windows])


def smooth(size: tuple[int, int]) -> Image.Image:
    """A picture as a lens makes it, with a little noise, that has no two places alike."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (size[1] // 12, size[0] // 12, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray(np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8))


def test_crop_is_the_same_whatever_else_is_cropped() -> None:
    photograph = Photograph(encoded(smooth((900, 700))))
    windows = [(0, 0, 699, 699), (501, 303, 560, 350), (11, 7, 311, 307), (501, 300, 901, 700)]
    assert_same(photograph.crop(windows), [photograph.crop([window])[0] for window in windows])


OTHERS: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: encoded(colourful(), "PNG"),
    "PNG with a palette": lambda: encoded(colourful().quantize(), "PNG"),
    "PNG of 16 bits": lambda: encoded(Image.fromarray(np.arange(30_000, dtype=np.uint16).reshape(150, 200)), "PNG"),
    "PNG, transparent": lambda: encoded(colourful().convert("RGBA"), "PNG"),
    "WebP": lambda: encoded(colourful(), "WEBP"),
    "TIFF": lambda: encoded(colourful(), "TIFF"),
    "BMP": lambda: encoded(colourful(), "BMP"),
    "two pictures in one JPEG": lambda: encoded(
        colourful(), "MPO", save_all=True, append_images=[Image.new("RGB", (40, 30))]
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_crop_of_any_other_format_is_cut_out_of_the_opened_image(kind: str) -> None:
    data = OTHERS[kind]()
    windows = [WINDOWS["centre"], WINDOWS["beyond the bottom right"]]
    assert_same(Photograph(data).crop(windows), [open_image(data).crop(window) for window in windows])


def test_crops_are_images_of_their_own() -> None:
    window = WINDOWS["centre"]
    first, second = Photograph(encoded(colourful())).crop([window, window])
    first.paste((0, 0, 0), (0, 0, 5, 5))
    assert np.asarray(second)[:5, :5].any()


def test_crop_without_windows_is_none() -> None:
    assert Photograph(encoded(colourful())).crop([]) == []


def test_crop_gives_no_orientation_to_be_applied_again() -> None:
    photograph = Photograph(encoded(colourful(), exif=exif_of(6)))
    for crop in photograph.crop([(0, 0, *photograph.size), WINDOWS["centre"]]):
        assert ImageOps.exif_transpose(crop).size == crop.size


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"text", "not an image"), (bytes(900), "not an im")])
def test_photograph_of_what_is_no_image_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        Photograph(content)


def test_photograph_with_too_many_pixels_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", SIZE[0] * SIZE[1] - 1)
    with pytest.raises(UnreadableImageError, match="200 × 150 pixels, more than the 29,999 allowed"):
        Photograph(encoded(colourful())[:-1000])


def with_thumbnail(image: Image.Image) -> bytes:
    """A JPEG that has a small one, with an end of its own, in its EXIF data."""
    data = encoded(image, exif=exif_of(1).tobytes() + encoded(image.resize((16, 12))))
    assert data.count(b"\xff\xd9") == 2
    return data


def refuses(read: Callable[[bytes], object], data: bytes) -> bool:
    try:
        read(data)
    except UnreadableImageError:
        return True
    return False


def corner_of(data: bytes) -> Image.Image:
    return Photograph(data).crop([(0, 0, 8, 8)])[0]


CUT: dict[str, Callable[[], bytes]] = {
    "baseline": lambda: encoded(colourful((40, 60))),
    "progressive": lambda: encoded(colourful((40, 60)), progressive=True),
    "with restart markers": lambda: encoded(colourful((40, 60)), restart_marker_blocks=2),
    "with a thumbnail": lambda: with_thumbnail(colourful((40, 60))),
    "PNG": lambda: encoded(colourful((20, 30)), "PNG"),
}


@pytest.mark.filterwarnings("ignore:.*EXIF data:UserWarning", "ignore:Tag data:UserWarning")
@pytest.mark.parametrize("kind", CUT)
def test_crop_of_an_image_that_was_cut_off_anywhere_is_refused_as_by_open_image(kind: str) -> None:
    whole = CUT[kind]()
    assert corner_of(whole).size == (8, 8)
    for length in range(1, len(whole)):
        refused = refuses(open_image, whole[:length])
        assert refuses(corner_of, whole[:length]) == refused
        assert refused or kind == "PNG"  # of which all pixels are there before its last bytes


@pytest.mark.filterwarnings("ignore:.*EXIF data:UserWarning", "ignore:Tag data:UserWarning")
@pytest.mark.parametrize("fill", [0, 0xFF, 0x55])
@pytest.mark.parametrize("kind", [kind for kind in CUT if kind != "PNG"])
def test_crop_of_a_jpeg_whose_rest_was_never_written_is_refused(kind: str, fill: int) -> None:
    whole = CUT[kind]()
    for length in range(1, len(whole) - 1, 7):
        lost = whole[:length] + bytes([fill]) * (len(whole) - length)
        assert refuses(corner_of, lost)
        assert refuses(open_image, lost)


@pytest.mark.parametrize("decoder", ["regions"], indirect=True)  # Pillow does not tell
@pytest.mark.parametrize("fill", [0, 0xFF])
@pytest.mark.parametrize("window", ["top edge", "centre", "bottom edge"])
def test_crop_of_a_jpeg_of_which_sectors_in_the_middle_are_lost_is_refused(window: str, fill: int) -> None:
    whole = encoded(colourful(), quality=90)
    for start in range(1000, len(whole) - 3000, 500):
        lost = whole[:start] + bytes([fill]) * 1024 + whole[start + 1024 :]
        with pytest.raises(UnreadableImageError, match="damaged: "):
            Photograph(lost).crop([WINDOWS[window]])


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}])
@pytest.mark.parametrize("colour", ["black", "white", "grey", "red"])
def test_crop_of_an_even_picture_is_not_taken_for_a_lost_one(colour: str, options: dict[str, Any]) -> None:
    data = encoded(Image.new("RGB", (1600, 1200), colour), **options)
    assert_same(Photograph(data).crop([WINDOWS["centre"]]), [decoded_by_pillow(data).crop(WINDOWS["centre"])])


def test_crop_of_a_picture_that_is_even_in_part_is_not_taken_for_a_lost_one() -> None:
    night = Image.new("RGB", (1600, 1200))
    night.paste(colourful(), (700, 1000))
    data = encoded(night, optimize=True)
    assert bytes(512) in data
    assert_same(Photograph(data).crop([(690, 990, 900, 1200)]), [decoded_by_pillow(data).crop((690, 990, 900, 1200))])


@pytest.mark.parametrize("behind", [bytes(5000), b"\xff" * 700, b"maker's data", encoded(colourful((40, 30)))])
def test_crop_of_a_jpeg_with_more_bytes_behind_its_end_is_made(behind: bytes) -> None:
    data = encoded(colourful())
    assert_same(
        Photograph(data + behind).crop([WINDOWS["bottom edge"]]), Photograph(data).crop([WINDOWS["bottom edge"]])
    )


@pytest.mark.parametrize("filling", [bytes(3000), b"\xff" * 3000, b"\xff\xd0"])
def test_crop_of_a_jpeg_that_is_filled_up_before_its_end_is_made(filling: bytes) -> None:
    data = encoded(colourful())
    filled = data[:-2] + filling + data[-2:]
    for window in ("centre", "bottom edge"):
        assert_same(Photograph(filled).crop([WINDOWS[window]]), Photograph(data).crop([WINDOWS[window]]))


SOURCES = [
    encoded(colourful((60, 40)), exif=exif_of(6)),
    encoded(colourful((60, 40)), progressive=True),
    encoded(colourful((60, 40)), restart_marker_blocks=2, subsampling=0),
    encoded(colourful((60, 40)).convert("L")),
]


@pytest.mark.filterwarnings("ignore:.*EXIF data:UserWarning", "ignore:Tag data:UserWarning")
@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(SOURCES),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=4),
    st.integers(0, 3000),
)
def test_crop_of_a_jpeg_with_changed_bytes_is_made_or_refused_and_nothing_else(
    source: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(source)
    for position, value in changes:
        data[position % len(data)] = value
    if cut < len(data):
        del data[-cut:]
    try:
        (crop,) = Photograph(bytes(data)).crop([(5, 5, 25, 30)])
    except UnreadableImageError:
        return
    assert (crop.mode, crop.size) == ("RGB", (20, 25))


@pytest.mark.parametrize("decoder", ["regions"], indirect=True)
@pytest.mark.parametrize(
    ("size", "region", "error"),
    [
        (SIZE, (0, 0, 0, 10), IndexError),
        (SIZE, (-1, 0, 10, 10), IndexError),
        (SIZE, (0, 0, 201, 10), IndexError),
        (SIZE, (0, 10, 10, 5), IndexError),
        (SIZE, (0, 0, 2**62, 2**62), IndexError),
        ((201, 150), (0, 0, 10, 10), NotImplementedError),
        ((2**62, 2**62), (0, 0, 10, 10), NotImplementedError),
        ((-SIZE[0], SIZE[1]), (0, 0, 10, 10), IndexError),
    ],
)
def test_decode_region_outside_of_the_frame_or_of_another_frame_is_refused(
    size: tuple[int, int], region: Window, error: type[Exception]
) -> None:
    assert images.DECODE_REGION is not None
    with pytest.raises(error):
        images.DECODE_REGION(encoded(colourful()), size, region)


@pytest.mark.parametrize("decoder", ["regions"], indirect=True)
@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xd8", b"text", encoded(colourful(), "PNG")])
def test_decode_region_of_what_is_no_jpeg_is_refused(data: bytes) -> None:
    assert images.DECODE_REGION is not None
    with pytest.raises((ValueError, NotImplementedError)):
        images.DECODE_REGION(data, SIZE, (0, 0, 10, 10))
