"""The folders of files that other projects train from: saved, loaded, versioned, refused."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.classification_files import ClassificationFilesDataset
from animl_kedro.errors import InputError
from animl_kedro.formats.camera_traps_classification import ClassificationFiles, read_classification_files
from animl_kedro.pipelines.dataset_split.exports import classification_files, split_ccts
from split_factories import split_tables, strange_crops

TABLES = split_tables(strange_crops())
FILES = classification_files(TABLES.labeled, TABLES.splits, TABLES.label_index)
NAMES = ["classification_ds.csv", "label_index.json", "splits.json"]


def assert_same(one: ClassificationFiles, other: ClassificationFiles) -> None:
    pd.testing.assert_frame_equal(one.crops, other.crops)
    assert one.label_index == other.label_index
    assert one.splits == other.splits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ClassificationFilesDataset(filepath=str(tmp_path / "cameratraps")).save(FILES)
    return tmp_path / "cameratraps"


def test_files_that_were_saved_load_the_same_whatever_the_names_look_like(folder: Path) -> None:
    assert_same(ClassificationFilesDataset(filepath=str(folder)).load(), FILES)
    assert sorted(path.name for path in folder.iterdir()) == NAMES


def test_files_that_were_saved_again_take_the_place_of_the_old(folder: Path) -> None:
    (folder / "left over.txt").touch()
    dataset = ClassificationFilesDataset(filepath=str(folder))
    dataset.save(FILES)
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert [path.name for path in folder.parent.iterdir()] == ["cameratraps"]


def test_folder_that_lacks_a_file_does_not_exist(folder: Path) -> None:
    dataset = ClassificationFilesDataset(filepath=str(folder))
    assert dataset.exists()
    (folder / "splits.json").unlink()
    assert not dataset.exists()


def test_folder_that_fails_to_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("animl_kedro.formats.camera_traps_classification._write_json", fail)
    with pytest.raises(DatasetError, match="no space left"):
        ClassificationFilesDataset(filepath=str(tmp_path / "cameratraps")).save(FILES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "content"),
    [("ClassificationFilesDataset", FILES), ("SplitCctsDataset", split_ccts(*TABLES))],
    ids=["cameratraps", "cct"],
)
def test_entry_that_is_versioned_keeps_each_version(tmp_path: Path, kind: str, content: Any) -> None:
    entry = {
        "type": f"animl_kedro.datasets.classification_files.{kind}",
        "filepath": str(tmp_path / "files"),
        "versioned": True,
    }
    first, second = (
        DataCatalog.from_config({"files": entry}, save_version=version)
        for version in ("2024-01-01T00.00.00.000Z", "2024-01-02T00.00.00.000Z")
    )
    first.save("files", content)
    second.save("files", content)
    assert second.exists("files")
    assert second.load("files") is not None
    assert sorted(path.parent.name for path in tmp_path.glob("files/*/files")) == [
        "2024-01-01T00.00.00.000Z",
        "2024-01-02T00.00.00.000Z",
    ]


def test_files_of_cameratraps_itself_with_numbers_for_locations_are_read_as_text(tmp_path: Path) -> None:
    rows = [
        ["a.jpg___crop00.jpg", "caltech", 13, "bobcat", 1, "cat"],
        ["b.jpg___crop00.jpg", "caltech", 7, "x", 0.5, "dog"],
    ]
    columns = ["path", "dataset", "location", "dataset_class", "confidence", "label"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "classification_ds.csv", index=False)
    (tmp_path / "label_index.json").write_text(json.dumps({0: "cat", 1: "dog"}, indent=1))
    splits = {"train": [["caltech", 13]], "val": [["caltech", 7]], "test": []}
    (tmp_path / "splits.json").write_text(json.dumps(splits, indent=1))
    files = read_classification_files(tmp_path)
    assert files.crops["location"].tolist() == ["13", "7"]
    assert files.splits == {"train": [("caltech", "13")], "val": [("caltech", "7")], "test": []}
    assert files.label_index == {"0": "cat", "1": "dog"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("classification_ds.csv", "path,dataset\na,b\n", "with the columns path, dataset, location"),
        ("classification_ds.csv", "", "is not CameraTraps' classification_ds.csv"),
        (
            "classification_ds.csv",
            "path,dataset,location,dataset_class,confidence,label\na,island,x,fox,high,fox\n",
            "is not CameraTraps' classification_ds.csv",
        ),
        ("label_index.json", '["fox"]', "is not CameraTraps' label_index.json"),
        ("label_index.json", '{"0": 1}', "is not CameraTraps' label_index.json"),
        ("label_index.json", '{"0": "wolf"}', "which label_index.json does not have; it has wolf"),
        ("splits.json", "{", "is not JSON"),
        ("splits.json", '[["island", "x"]]', "is not CameraTraps' splits.json"),
        ("splits.json", '{"train": [["island"]]}', "is not CameraTraps' splits.json"),
        ("splits.json", '{"train": [["island", "x"]]}', "locations of classification_ds.csv are in no split"),
        (
            "splits.json",
            '{"train": [["island", "x"]], "test": [["island", "x"]]}',
            "The location island/x is in the splits train and test",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused_with_the_fault(folder: Path, name: str, content: str, message: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(InputError, match=message):
        read_classification_files(folder)


@pytest.mark.parametrize("name", NAMES)
def test_files_of_which_one_is_absent_are_refused_with_its_name(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name} cannot be read \(No such file"):
        read_classification_files(folder)
