"""`Classifier.predict`: what it takes, and that it does not matter in which form."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from animl_kedro.boxes import RelativeBox
from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.errors import InputError
from animl_kedro.images import UnreadableImageError
from network_factories import make_network

LABELS = ("NA", "fox", "<b>bird</b>")
BOXES = [(0.1, 0.2, 0.5, 0.3), (0.0, 0.5, 0.4, 0.5)]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    cropping = CroppingParams(margin=0.1, max_side=48)
    return Classifier("efficientnet-b0", LABELS, Preprocessing(32), make_network(32), {}, 1.5, cropping)


def make_pictures(count: int, width: int = 90) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (50 + n, width, 3), dtype=np.uint8)) for n in range(count)]


def written(pictures: list[Image.Image], folder: Path, suffix: str) -> list[Path]:
    paths = [folder / f"{number}.{suffix}" for number in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        picture.save(path)
    return paths


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("boxes", [None, BOXES])
def test_predicting_paths_arrays_and_pictures_agree_exactly(
    classifier: Classifier, suffix: str, boxes: Any, tmp_path: Path
) -> None:
    paths = written(make_pictures(3), tmp_path, suffix)
    opened = [Image.open(path) for path in paths]
    forms: list[Any] = [paths, list(map(str, paths)), opened, [np.asarray(picture) for picture in opened]]
    tables = [classifier.predict(images, boxes and [boxes] * 3) for images in forms]
    for table in tables[1:]:
        assert (table == tables[0]).all(axis=None)


def test_table_has_a_row_a_crop_with_the_likeliest_label_and_calibrated_probabilities(classifier: Classifier) -> None:
    table = classifier.predict(make_pictures(4))
    assert list(table) == ["predicted", "confidence", *(f"probability_{label}" for label in LABELS)]
    probabilities = table.filter(like="probability_").to_numpy()
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert (table["predicted"] == np.array(LABELS)[probabilities.argmax(axis=1)]).all()
    assert (table["confidence"] == probabilities.max(axis=1)).all()
    pixels = torch.stack([Preprocessing(32)(picture) for picture in make_pictures(4)])
    with torch.no_grad():
        expected = (classifier.network(pixels).double() / 1.5).softmax(dim=1).numpy()
    assert probabilities == pytest.approx(expected, abs=1e-5)


def test_boxes_give_what_their_crops_give_through_their_files(classifier: Classifier, tmp_path: Path) -> None:
    (picture,) = make_pictures(1, width=100)
    table = classifier.predict([picture, picture], [[], BOXES])
    assert list(zip(table["image"], table["box"], strict=True)) == [(1, 0), (1, 1)]
    # (10, 10, 50, 15) pixels with a margin of 5 is a square of 60, shifted up to 0 and then larger than the frame
    crop = picture.crop((5, -5, 65, 55))
    crop.thumbnail((48, 48), Image.Resampling.LANCZOS)
    crop.save(tmp_path / "crop.jpg", quality=95)
    expected = classifier.predict([tmp_path / "crop.jpg"])
    assert table["confidence"][0] == pytest.approx(expected["confidence"][0], abs=1e-6)
    assert table["predicted"][0] == expected["predicted"][0]


def test_one_image_takes_one_box_several_or_animls(classifier: Classifier) -> None:
    (picture,) = make_pictures(1)
    several = classifier.predict(picture, BOXES)
    one = classifier.predict(picture, BOXES[0])
    animls = classifier.predict(picture, RelativeBox.from_animl(0.2, 0.1, 0.5, 0.6))
    assert len(several) == 2
    assert one["confidence"].tolist() == pytest.approx(several["confidence"].tolist()[:1], abs=1e-6)
    assert animls["confidence"].tolist() == pytest.approx(one["confidence"].tolist(), abs=1e-6)


def test_a_picture_that_lies_on_its_side_is_turned_as_its_file_is(classifier: Classifier, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    make_pictures(1)[0].save(tmp_path / "turned.png", exif=exif)
    opened = Image.open(tmp_path / "turned.png")
    for boxes in (None, BOXES):
        of_path, of_picture = classifier.predict(tmp_path / "turned.png", boxes), classifier.predict(opened, boxes)
        assert (of_path == of_picture).all(axis=None)


def test_grey_arrays_and_stacks_of_arrays_are_images(classifier: Classifier) -> None:
    grey = np.asarray(make_pictures(1)[0].convert("L"))
    tables = [classifier.predict(array) for array in (grey, grey[:, :, None], np.stack([grey] * 3, axis=2))]
    assert (tables[0] == tables[1]).all(axis=None)
    assert (tables[0] == tables[2]).all(axis=None)
    assert len(classifier.predict(np.zeros((2, 40, 40, 3), dtype=np.uint8))) == 2
    assert len(classifier.predict([])) == 0
    assert len(classifier.predict([], [])) == 0


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((40, 40, 3)), "array of float64 .* expected uint8"),
        (np.zeros((3, 40, 40), dtype=np.uint8), r"shape \(3, 40, 40\) .* expected \(height, width, 3\)"),
        (np.zeros((0, 40, 3), dtype=np.uint8), r"shape \(0, 40, 3\)"),
        ([None], "NoneType is no image"),
    ],
)
def test_what_is_no_image_is_refused_with_what_is_expected(classifier: Classifier, image: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        classifier.predict(image)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (
            [(1.2, 0.1, 0.2, 0.2)],
            r"box 0 of image 0, \[1.2, .* shows nothing of the 90 × 50 image. Expected are fractions",
        ),
        ([(0.1, 0.1, 0, 0.2)], "box 0 of image 0: box .* has no area"),
        ([BOXES[0], (0.1, 0.1, 0.2)], "box 1 of image 0 is .* RelativeBox.from_animl"),
    ],
)
def test_what_is_no_box_is_refused_by_its_number(classifier: Classifier, boxes: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        classifier.predict(make_pictures(1)[0], boxes)


def test_boxes_for_another_number_of_images_are_refused(classifier: Classifier) -> None:
    with pytest.raises(InputError, match="There are 2 images and boxes for 1"):
        classifier.predict(make_pictures(2), [BOXES])


def test_boxes_are_refused_where_it_is_not_known_how_crops_were_made(classifier: Classifier) -> None:
    with pytest.raises(InputError, match="does not tell how the crops"):
        replace(classifier, cropping=None).predict(make_pictures(1)[0], BOXES)


@pytest.mark.parametrize("boxes", [None, BOXES])
def test_a_broken_file_is_an_error_that_names_it(classifier: Classifier, boxes: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    make_pictures(1)[0].save(path)
    path.write_bytes(path.read_bytes()[:-200])
    for broken in (path, tmp_path / "absent.jpg"):
        with pytest.raises(UnreadableImageError, match=broken.name):
            classifier.predict(broken, boxes)
