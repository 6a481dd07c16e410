"""The contact sheet: crops of every label, of many locations, always the same, each with its id."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.samples import draw_samples
from crop_factories import crop_row, make_crops, with_rows, write_crops


def ids_on(figure: Figure) -> list[str]:
    """The ids below the crops, by row."""
    texts = [text.get_text().replace("\n", "") for axes in figure.axes for text in axes.texts]
    return [text for text in texts if text != "no file"]


def titles_of(figure: Figure) -> list[str]:
    return [title for axes in figure.axes if (title := axes.get_title(loc="left"))]


def test_samples_show_every_label_with_its_count_and_the_ids_of_its_crops(tmp_path: Path) -> None:
    crops = make_crops(crops=60)
    figure = draw_samples(crops, write_crops(crops, tmp_path), 4)
    counts = crops["label"].value_counts()
    assert titles_of(figure) == [f"{label} ({counts[label]})" for label in ("bird", "fox", "lizard")]
    label_of = crops.set_index("crop_id")["label"]
    assert [label_of[crop_id] for crop_id in ids_on(figure)] == ["bird"] * 4 + ["fox"] * 4 + ["lizard"] * 4
    assert sum(len(axes.images) for axes in figure.axes) == 12


def test_samples_are_of_as_many_locations_as_there_are(tmp_path: Path) -> None:
    crops = make_crops(crops=0)
    places = ["one"] * 20 + ["two", "three", None]
    crops = with_rows(crops, [crop_row(number, place, "fox") for number, place in enumerate(places)])
    shown = ids_on(draw_samples(crops, write_crops(crops, tmp_path), 4))
    assert crops.set_index("crop_id").loc[shown, "location"].nunique(dropna=False) == 4


def test_samples_of_shuffled_crops_are_the_same(tmp_path: Path) -> None:
    crops = make_crops(crops=40)
    folder = write_crops(crops, tmp_path)
    assert ids_on(draw_samples(crops.sample(frac=1, random_state=1), folder, 3)) == ids_on(
        draw_samples(crops, folder, 3)
    )


def test_samples_without_a_file_say_so(tmp_path: Path) -> None:
    crops = make_crops(crops=5)
    figure = draw_samples(crops, ImageFolder(tmp_path), 5)
    assert [text.get_text() for axes in figure.axes for text in axes.texts].count("no file") == 5


def test_samples_with_a_damaged_file_say_so(tmp_path: Path) -> None:
    crops = make_crops(crops=5)
    folder = write_crops(crops, tmp_path)
    folder.path_of(crops["crop_id"][0]).write_bytes(b"no image")
    figure = draw_samples(crops, folder, 5)
    assert [text.get_text() for axes in figure.axes for text in axes.texts].count("damaged") == 1
    assert sum(len(axes.images) for axes in figure.axes) == 4


@pytest.mark.parametrize("label", ["$x$", "a_b^c", "ñandú", "<b>"])
def test_samples_write_labels_and_ids_as_they_are(tmp_path: Path, label: str) -> None:
    crops = with_rows(make_crops(crops=0), [crop_row(1, "place", label) | {"crop_id": "island/$a$_1.jpg"}])
    figure = draw_samples(crops, ImageFolder(tmp_path), 5)
    figure.savefig(tmp_path / "samples.png")
    assert titles_of(figure)[0].replace("\\$", "$") == f"{label} (1)"


def test_samples_of_no_crop_are_an_empty_sheet(tmp_path: Path) -> None:
    figure = draw_samples(make_crops(crops=0), ImageFolder(tmp_path), 5)
    figure.savefig(tmp_path / "samples.png")
    assert ids_on(figure) == []


def test_samples_of_very_many_labels_show_the_commonest_and_count_the_others(tmp_path: Path) -> None:
    rows = [crop_row(number, "place", f"label {number % 50:02d}") for number in range(92)]
    figure = draw_samples(with_rows(make_crops(crops=0), rows), ImageFolder(tmp_path), 1)
    assert len(titles_of(figure)) == 40
    assert titles_of(figure)[0] == "label 00 (2)"
    assert figure.get_supxlabel() == "and 10 labels with fewer crops"
