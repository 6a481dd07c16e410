"""Pictures for notebooks: boxes where they belong, sheets that open what they show, counts that say what is missing."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from animl_kedro.errors import InputError
from animl_kedro.images import UnreadableImageError
from animl_kedro.plotting import contact_sheet, count_bars, draw_boxes
from animl_kedro.tables import BoxUnit
from crop_factories import make_crops
from factories import make_annotations

GREY = (100, 100, 100)
ORANGE = [0xFF, 0xA9, 0x0E]
"""The first of the colours, in RGB."""


def grey(size: tuple[int, int] = (200, 150)) -> Image.Image:
    return Image.new("RGB", size, GREY)


def test_box_is_drawn_along_its_sides_and_nothing_inside() -> None:
    image = grey()
    pixels = np.asarray(draw_boxes(image, make_annotations({"box": (60, 40, 50, 30)})))
    for x, y in ((60, 50), (110, 50), (80, 40), (80, 70)):
        assert pixels[y, x].tolist() == ORANGE
    assert pixels[55, 85].tolist() == list(GREY)
    assert (np.asarray(image) == 100).all()  # the image that was given is as it was


def test_box_in_fractions_is_drawn_in_the_images_pixels() -> None:
    rows = make_annotations({"box": (0.25, 0.2, 0.5, 0.4)}).assign(box_unit=BoxUnit.FRACTION.value)
    pixels = np.asarray(draw_boxes(grey(), rows))
    assert pixels[40, 50].tolist() == pixels[40, 150].tolist() == pixels[90, 100].tolist() == ORANGE


def test_labels_have_colours_of_their_own_and_rows_without_a_box_none() -> None:
    rows = make_annotations({"box": (10, 60, 20, 20)}, {"box": (60, 60, 20, 20), "label": "bird"}, {"label": "empty"})
    pixels = np.asarray(draw_boxes(grey(), rows))
    assert pixels[70, 60].tolist() == ORANGE  # the bird's, first in the alphabet
    assert pixels[70, 10].tolist() not in (ORANGE, list(GREY))


@pytest.mark.parametrize("box", [(-20, -20, 500, 500), (190, 140, 100, 100), (50, 50, 0, 0), (300, 300, 5, 5)])
def test_box_that_overhangs_or_is_empty_is_drawn_without_complaint(box: tuple[int, ...]) -> None:
    assert draw_boxes(grey(), make_annotations({"box": box})).size == (200, 150)


@pytest.mark.parametrize("unit", BoxUnit)
@pytest.mark.parametrize("side", range(4))
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_box_that_is_not_finite_is_left_out(value: float, side: int, unit: BoxUnit) -> None:
    box = [0.1, 0.1, 0.5, 0.5]
    box[side] = value
    rows = make_annotations({"box": tuple(box)}).assign(box_unit=unit.value)
    assert (np.asarray(draw_boxes(grey(), rows)) == GREY).all()


@pytest.mark.parametrize("side", range(4))
@pytest.mark.parametrize("value", [1e300, -1e300, 1e9])
def test_box_that_reaches_beyond_all_measure_is_drawn_without_complaint(value: float, side: int) -> None:
    box = [10.0, 10.0, 50.0, 50.0]
    box[side] = value
    assert draw_boxes(grey(), make_annotations({"box": tuple(box)})).size == (200, 150)


def test_boxes_of_crops_are_drawn_with_hostile_labels_as_they_are() -> None:
    crops = make_crops(crops=3).assign(label="<b>$x_$\n🦊", confidence=0.5)
    assert draw_boxes(grey((800, 600)), crops).size == (800, 600)


def test_rows_without_boxes_columns_are_refused_with_what_is_absent() -> None:
    with pytest.raises(InputError, match="these have no box_left, box_top, box_width, box_height, label"):
        draw_boxes(grey(), pd.DataFrame({"image_id": ["a"]}))


class Images(Mapping[str, Image.Image]):
    """A thousand images, of which it is noted which are opened."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def __getitem__(self, name: str) -> Image.Image:
        self.opened.append(name)
        if name == "1":
            raise KeyError(name)
        if name == "2":
            raise UnreadableImageError("damaged")
        if name == "3":
            raise ValueError("the path has the part '..'")
        return grey()

    def __iter__(self) -> Iterator[str]:
        return map(str, range(1000))

    def __len__(self) -> int:
        return 1000


def test_sheet_opens_what_it_shows_and_says_what_it_cannot() -> None:
    images = Images()
    figure = contact_sheet(images, {"0": "$first$"}, columns=4, most=6)
    assert images.opened == ["0", "1", "2", "3", "4", "5"]
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts.count("no file") == 2
    assert texts.count("damaged") == 1
    assert figure.axes[0].get_title() == r"\$first\$"
    assert figure.get_supxlabel() == "and 994 more"
    figure.canvas.draw()


def test_sheet_of_no_images_is_empty() -> None:
    assert not contact_sheet({}).axes[0].images


def heights(figure: object) -> list[float]:
    axes = figure.axes[0]  # type: ignore[attr-defined]
    return [max(bar.get_height(), bar.get_width()) for bar in axes.patches]


def test_texts_are_counted_from_the_most_frequent_on() -> None:
    figure = count_bars(pd.Series(["fox", "$b$", "fox", None, "owl", "fox", "$b$"], name="label"), most=2)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["fox", r"\$b\$"]
    assert heights(figure) == [3, 2]
    assert axes.get_title(loc="left") == "label"
    assert figure.get_supxlabel() == "1 others are less frequent; missing in 1 of 7 rows"
    figure.canvas.draw()


def test_numbers_are_counted_in_their_order() -> None:
    figure = count_bars(pd.Series([12.0, 3, 12, np.nan]), "images by month")
    places = [bar.get_x() + bar.get_width() / 2 for bar in figure.axes[0].patches]  # type: ignore[attr-defined]
    assert places == [3, 12]
    assert [bar.get_height() for bar in figure.axes[0].patches] == [1, 2]  # type: ignore[attr-defined]
    assert figure.get_supxlabel() == "missing in 1 of 4 rows"


@pytest.mark.parametrize("values", [pd.Series([], dtype="str"), pd.Series([], dtype=float), pd.Series([None, None])])
def test_nothing_to_count_is_an_empty_picture(values: "pd.Series[str]") -> None:
    count_bars(values, "none").canvas.draw()
