"""How colourful pictures are, and what becomes of those that cannot be read."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.reporting.saturation import measure_saturations, saturation_of
from animl_kedro.tables import CropSaturations


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.new("RGB", size, colour)


@pytest.mark.parametrize(
    ("colour", "saturation"),
    [((90, 90, 90), 0), ((0, 0, 0), 0), ((255, 255, 255), 0), ((200, 0, 0), 1), ((200, 100, 150), 0.5)],
)
def test_saturation_of_a_plain_picture_is_that_of_its_colour(colour: tuple[int, int, int], saturation: float) -> None:
    assert saturation_of(plain(colour)) == pytest.approx(saturation)


def test_saturation_of_a_picture_with_a_black_border_is_that_of_what_it_shows() -> None:
    padded = plain((0, 0, 0), (64, 64))
    padded.paste(plain((200, 100, 150), (64, 32)), (0, 16))
    assert saturation_of(padded) == pytest.approx(0.5)


def test_saturation_of_an_infrared_photograph_with_grain_is_nearly_none() -> None:
    rng = np.random.default_rng(0)
    grey = np.clip(rng.normal(60, 30, (256, 256, 1)) + rng.normal(0, 6, (256, 256, 3)), 0, 255)
    file = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(file, "JPEG", quality=90)
    assert saturation_of(Image.open(file).convert("RGB")) < 0.03


def test_measure_saturations_keeps_the_order_and_tells_what_cannot_be_read(tmp_path: Path) -> None:
    plain((200, 100, 150)).save(tmp_path / "colour.png")
    plain((90, 90, 90)).save(tmp_path / "grey.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG and no more")
    ids = ["grey.png", "absent.png", "broken.png", "../outside.png", "colour.png"]
    table = CropSaturations.of(measure_saturations(ids, ImageFolder(tmp_path)))
    assert table["crop_id"].tolist() == ids
    assert table["saturation"].isna().tolist() == [False, True, True, True, False]
    assert table["saturation"].iloc[[0, 4]].tolist() == pytest.approx([0, 0.5])
    assert table["fault"].isna().tolist() == [True, False, False, False, True]
    assert table["fault"].iloc[1] == "the file is missing"


def test_measure_saturations_of_nothing_is_an_empty_table(tmp_path: Path) -> None:
    assert len(CropSaturations.of(measure_saturations([], ImageFolder(tmp_path)))) == 0
