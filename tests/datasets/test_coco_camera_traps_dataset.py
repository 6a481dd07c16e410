"""An export as a catalog entry: read with all that its parser says of it, and never written."""

from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.coco_camera_traps import CocoCameraTrapsDataset
from animl_kedro.errors import InputError
from factories import export_bytes, make_export


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "export.json"
    file.write_bytes(export_bytes(make_export(3)))
    return file


def test_dataset_loads_the_records_as_they_are(path: Path) -> None:
    dataset = CocoCameraTrapsDataset(filepath=str(path))
    assert dataset.exists()
    export = dataset.load()
    expected = make_export(3)
    assert (export.images, export.annotations) == (expected.images, expected.annotations)
    assert list(export.categories) == list(expected.categories)


def test_dataset_in_a_catalog_loads_the_export(path: Path) -> None:
    kind = "animl_kedro.datasets.coco_camera_traps.CocoCameraTrapsDataset"
    config: dict[str, dict[str, Any]] = {"animl_export": {"type": kind, "filepath": str(path), "metadata": {"a": 1}}}
    catalog = DataCatalog.from_config(config)
    assert len(catalog.load("animl_export").images) == 3
    assert str(path) in str(catalog["animl_export"])


def cause_of(dataset: CocoCameraTrapsDataset) -> str:
    """The message of the error that Kedro wraps."""
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, InputError)
    assert str(caught.value.__cause__) in str(caught.value)
    return str(caught.value.__cause__)


def test_dataset_without_a_file_says_where_to_put_it(tmp_path: Path) -> None:
    dataset = CocoCameraTrapsDataset(filepath=str(tmp_path / "none.json"))
    assert not dataset.exists()
    message = cause_of(dataset)
    assert message.startswith(f"There is no export at {tmp_path / 'none.json'}. Export the labels from Animl")
    assert "conf/local/catalog.yml" in message


def test_dataset_that_was_cut_off_names_the_file_and_the_counts(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"label-0001")])
    assert f"{path} is cut off after" in cause_of(CocoCameraTrapsDataset(filepath=str(path)))
    assert "with 3 whole images and 1 whole annotations" in cause_of(CocoCameraTrapsDataset(filepath=str(path)))


def test_dataset_at_a_folder_does_not_exist(tmp_path: Path) -> None:
    assert not CocoCameraTrapsDataset(filepath=str(tmp_path)).exists()


def test_dataset_refuses_to_be_saved_and_leaves_the_file(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(DatasetError, match="read, never written"):
        CocoCameraTrapsDataset(filepath=str(path)).save(make_export(1))  # type: ignore[arg-type]
    assert path.read_bytes() == before
