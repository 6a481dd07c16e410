"""The island as Kedro datasets."""

import pickle
from pathlib import Path

import pytest
from kedro.io import DatasetError

from animl_kedro.datasets.image_archive import ImageArchive
from animl_kedro.sample.datasets import SampleIslandArchive, SampleIslandExport
from animl_kedro.sample.export import archive_key
from animl_kedro.sample.island import Island

Dataset = type[SampleIslandArchive] | type[SampleIslandExport]
DATASETS = [SampleIslandArchive, SampleIslandExport]


@pytest.fixture(scope="module")
def image_archive(island_folder: Path) -> ImageArchive:
    return SampleIslandArchive(path=str(island_folder)).load()


def test_export_loads_all_records(island_folder: Path, island: Island) -> None:
    export = SampleIslandExport(path=str(island_folder)).load()["sample_island"]
    assert len(export.records.images) == len(island.photographs)


def test_export_of_a_fresh_clone_is_drawn_first(tmp_path: Path, tiny_island: object) -> None:
    export = SampleIslandExport(path=str(tmp_path / "data" / "island")).load()["sample_island"]
    assert len(export.records.images) == 6


def test_archive_gives_the_bytes_of_the_files(image_archive: ImageArchive, island_folder: Path) -> None:
    key = archive_key(20, 0)
    assert image_archive.read_bytes(key) == (island_folder / "archive" / key).read_bytes()


def test_archive_holds_every_photograph_but_the_missing_one(image_archive: ImageArchive, island: Island) -> None:
    missing = archive_key(20, island.flaws.missing)
    assert set(image_archive) == {archive_key(20, photo.index) for photo in island.photographs} - {missing}
    with pytest.raises(KeyError):
        image_archive.read_bytes(missing)


def test_archive_loaded_twice_has_one_server(image_archive: ImageArchive, island_folder: Path) -> None:
    again = SampleIslandArchive(path=f"{island_folder}/../{island_folder.name}").load()
    assert again.bucket.name == image_archive.bucket.name
    assert again.bucket.find_address() == image_archive.bucket.find_address()


@pytest.mark.parametrize("dataset", DATASETS)
def test_dataset_exists_before_it_is_drawn(dataset: Dataset, tmp_path: Path) -> None:
    assert dataset(path=str(tmp_path / "island")).exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_dataset_refuses_to_be_saved(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="never written"):
        dataset(path=str(tmp_path)).save("anything")  # type: ignore[arg-type]


@pytest.mark.parametrize("dataset", DATASETS)
def test_dataset_keeps_its_metadata_and_tells_its_folder(dataset: Dataset) -> None:
    made = dataset(path="data/island", metadata={"kedro-viz": {"layer": "raw"}})
    assert made.metadata == {"kedro-viz": {"layer": "raw"}}
    assert "data/island" in str(made)


@pytest.mark.parametrize("dataset", DATASETS)
def test_dataset_travels_to_another_process(dataset: Dataset) -> None:
    assert str(pickle.loads(pickle.dumps(dataset(path="data/island")))) == str(dataset(path="data/island"))
