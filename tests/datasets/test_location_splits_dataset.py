"""Earlier splits as a dataset."""

import json
from pathlib import Path

import pytest
from kedro.io import DatasetError

from animl_kedro.datasets.location_splits import LocationSplitsDataset
from animl_kedro.formats.location_splits import LocationSplits


def write(path: Path, location: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"test": [["island", location]]}), encoding="utf-8")
    return path


def test_dataset_without_a_file_is_there_and_empty() -> None:
    dataset = LocationSplitsDataset()
    assert dataset.exists()
    assert dataset.load() == LocationSplits()


def test_dataset_loads_its_file(tmp_path: Path) -> None:
    path = write(tmp_path / "splits.json", "harbour")
    assert LocationSplitsDataset(filepath=str(path)).load().test == {("island", "harbour")}


def test_dataset_of_an_absent_file_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "splits.json", "harbour")
    assert not LocationSplitsDataset(filepath=str(tmp_path / "absent.json")).exists()
    assert LocationSplitsDataset(filepath=str(path)).exists()
    assert not LocationSplitsDataset(filepath=str(path), csv=str(tmp_path / "absent.csv")).exists()


def test_dataset_of_the_newest_version_finds_it_and_is_empty_before_there_is_one(tmp_path: Path) -> None:
    dataset = LocationSplitsDataset(filepath=str(tmp_path / "cameratraps" / "splits.json"), newest_version=True)
    assert dataset.exists()
    assert dataset.load() == LocationSplits()
    for version in ("2026-11-02T10.00.00.000Z", "2026-11-10T09.00.00.000Z", "2026-11-09T11.00.00.000Z"):
        write(tmp_path / "cameratraps" / version / "cameratraps" / "splits.json", version)
    assert dataset.load().test == {("island", "2026-11-10T09.00.00.000Z")}


def test_dataset_is_never_written_and_refuses_a_csv_without_its_splits() -> None:
    with pytest.raises(DatasetError, match="read, never written"):
        LocationSplitsDataset().save(LocationSplits())  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match="belong to a `filepath`"):
        LocationSplitsDataset(csv="classification_ds.csv")
