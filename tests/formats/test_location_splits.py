"""Which location was in which split, as CameraTraps and people write it."""

import json
from pathlib import Path
from typing import Any

import pytest

from animl_kedro.errors import InputError
from animl_kedro.formats.location_splits import read_location_splits


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_reading_splits_json_gives_every_locations_split_numbers_as_text(tmp_path: Path) -> None:
    path = write(tmp_path / "splits.json", {"train": [["a", "x"], ["a", 13]], "val": [], "test": [["b", "x"]]})
    splits = read_location_splits(path)
    assert splits.split_of == {("a", "x"): "train", ("a", "13"): "train", ("b", "x"): "test"}
    assert splits.test == {("b", "x")}
    assert splits.source == str(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.json", [["a", "NA"], ["b", "'007"]]),
        ("list.csv", "dataset,location\na,NA\nb,007\nb,007\n"),
        ("list.csv", "note,location,dataset\n,NA,a\n,'007,b\n"),
    ],
)
def test_reading_a_list_of_locations_makes_them_the_test(tmp_path: Path, name: str, content: Any) -> None:
    splits = read_location_splits(write(tmp_path / name, content))
    assert splits.test == {("a", "NA"), ("b", "007")} == set(splits.split_of)


def test_reading_the_csv_gives_the_crops_at_the_test_locations(tmp_path: Path) -> None:
    path = write(tmp_path / "splits.json", {"train": [["a", "x"]], "test": [["a", 7]]})
    csv = write(tmp_path / "ds.csv", "path,dataset,location,label\na/1.jpg,a,7,fox\na/2.jpg,a,x,fox\na/3.jpg,b,7,fox\n")
    assert read_location_splits(path, csv).test_crops == ("a/1.jpg",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("splits.json", "{", "is not JSON"),
        ("splits.json", "3", "holds no splits: expected"),
        ("splits.json", {"test": [["a", None]]}, r"has the location \['a', None\]: expected"),
        ("splits.json", {"test": [["a", True]]}, "has the location"),
        ("splits.json", {"test": "a/x"}, "has the location a/x"),
        ("splits.json", ["a/x"], "has the location a/x"),
        ("splits.json", {"train": [["a", "x"]], "test": [["a", "x"]]}, "a/x in train and in test: choose one"),
        ("list.csv", "dataset,place\na,x\n", "lacks the columns location; it has dataset, place"),
        ("list.csv", "", "is no CSV file"),
    ],
)
def test_reading_a_file_of_another_form_is_refused(tmp_path: Path, name: str, content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_location_splits(write(tmp_path / name, content))


@pytest.mark.parametrize("name", ["absent.json", "absent.csv"])
def test_reading_an_absent_file_is_refused_with_its_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"{name} cannot be read: No such file"):
        read_location_splits(tmp_path / name)
