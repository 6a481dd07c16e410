"""MegaDetector results as a catalog entry: checked both ways, and written whole."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.megadetector_results import MegaDetectorResultsDataset
from animl_kedro.errors import InputError
from animl_kedro.formats.megadetector import CATEGORIES

RESULTS = {
    "info": {"format_version": "1.6", "detector": "annotations"},
    "detection_categories": CATEGORIES,
    "images": [
        {"file": "ñ/a.jpg", "detections": [{"category": "1", "conf": 1.0, "bbox": [0.123456, 0.2, 0.3, 0.4]}]},
        {"file": "b.jpg", "failure": "Failure image access"},
    ],
}
FAULTY = RESULTS | {"images": [{"file": "a.jpg"}]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "detections.json"


@pytest.fixture
def dataset(path: Path) -> MegaDetectorResultsDataset:
    return MegaDetectorResultsDataset(filepath=str(path))


def test_dataset_that_was_saved_loads_the_same(dataset: MegaDetectorResultsDataset, path: Path) -> None:
    assert not dataset.exists()
    dataset.save(RESULTS)
    assert dataset.exists()
    assert dataset.load() == RESULTS
    assert [file.name for file in path.parent.iterdir()] == ["detections.json"]


def test_dataset_without_a_file_cannot_be_loaded(dataset: MegaDetectorResultsDataset) -> None:
    with pytest.raises(DatasetError, match="No such file"):
        dataset.load()


@pytest.mark.parametrize("faulty", [FAULTY, RESULTS | {"more": object()}], ids=["in its format", "in its JSON"])
def test_dataset_that_fails_to_save_keeps_the_old_file(
    dataset: MegaDetectorResultsDataset, path: Path, faulty: dict[str, Any]
) -> None:
    with pytest.raises(DatasetError):
        dataset.save(faulty)
    assert not list(path.parent.glob("*"))
    dataset.save(RESULTS)
    with pytest.raises(DatasetError):
        dataset.save(faulty)
    assert dataset.load() == RESULTS
    assert [file.name for file in path.parent.iterdir()] == ["detections.json"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not JSON"),
        (orjson.dumps(RESULTS)[:-20], "is not JSON"),
        (b"[]", "not MegaDetector results"),
        (orjson.dumps(FAULTY), r"a\.jpg has neither detections nor a failure"),
    ],
)
def test_dataset_with_a_faulty_file_says_what_is_wrong(
    dataset: MegaDetectorResultsDataset, path: Path, data: bytes, message: str
) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=message) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, InputError)
    assert str(path) in str(caught.value)


def test_dataset_in_a_catalog_saves_and_loads(path: Path) -> None:
    kind = "animl_kedro.datasets.megadetector_results.MegaDetectorResultsDataset"
    config: dict[str, dict[str, Any]] = {"detections": {"type": kind, "filepath": str(path), "metadata": {"a": 1}}}
    catalog = DataCatalog.from_config(config)
    catalog.save("detections", RESULTS)
    assert catalog.load("detections") == RESULTS
    assert str(path) in str(catalog["detections"])
