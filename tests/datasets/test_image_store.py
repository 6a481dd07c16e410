"""The downloaded images by their ids: a mapping over a manifest, and a folder as before."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
import yaml
from kedro.io import DataCatalog

from animl_kedro.datasets.image_folder import ImageFolder, ImageStoreDataset
from animl_kedro.errors import InputError
from animl_kedro.image_store import ImageStore
from animl_kedro.tables import FileStatus, ImageFiles
from factories import CONF, IMAGE_SIZE, make_image_files, make_images, write_jpeg


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    """Three images of the manifest, of which the last has no file; one that no id leads to; one outside."""
    root = tmp_path / "images"
    images = make_images(3)
    for name in images["file_name"].head(2):
        write_jpeg(root / "island" / name, orientation=6 if name.endswith("0001.jpg") else None)
    manifest = make_image_files(images, ImageFolder(root))
    write_jpeg(root / "island" / "other.jpg")
    write_jpeg(tmp_path / "outside.jpg")
    manifest.to_parquet(tmp_path / "image_files.parquet")
    return dataset_at(tmp_path).load()


def dataset_at(folder: Path) -> ImageStoreDataset:
    manifest = {"type": "pandas.ParquetDataset", "filepath": str(folder / "image_files.parquet")}
    return ImageStoreDataset(path=str(folder / "images"), manifest=manifest)


def test_store_is_a_mapping_of_image_ids(store: ImageStore) -> None:
    assert isinstance(store, Mapping)
    assert list(store) == ["island:0000", "island:0001"]
    assert len(store) == 2
    assert store["island:0000"].size == IMAGE_SIZE
    assert {image_id: image.size for image_id, image in store.items()}["island:0001"] == IMAGE_SIZE[::-1]


def test_store_takes_paths_as_well(store: ImageStore) -> None:
    assert store["island/other.jpg"].size == IMAGE_SIZE
    assert "island/other.jpg" in store
    assert sorted(store.stats()) == ["island/camera/0000.jpg", "island/camera/0001.jpg", "island/other.jpg"]
    assert store.some(2) == ["island/camera/0000.jpg", "island/camera/0001.jpg"]


def test_store_with_an_id_that_is_another_images_path_gives_the_image_of_this_id(tmp_path: Path) -> None:
    """LILA's ids may be paths."""
    write_jpeg(tmp_path / "images" / "island" / "a.jpg")
    write_jpeg(tmp_path / "images" / "island" / "b.jpg", orientation=6)
    row = {"key": "k", "bytes": 1, "checksum": "0", "status": FileStatus.PRESENT, "error": None}
    rows = [{"image_id": "island/b.jpg", "path": "island/a.jpg"}, {"image_id": "island/a.jpg", "path": "island/b.jpg"}]
    ImageFiles.of([row | names for names in rows]).to_parquet(tmp_path / "image_files.parquet")
    store = dataset_at(tmp_path).load()
    assert store["island/b.jpg"].size == IMAGE_SIZE
    assert store["island/a.jpg"].size == IMAGE_SIZE[::-1]


@pytest.mark.parametrize("image_id", ["island:0002", "island:9999", "../outside.jpg", "/etc/hostname", ""])
def test_store_without_a_file_for_an_id_raises_a_key_error(store: ImageStore, image_id: str) -> None:
    with pytest.raises(KeyError, match=r"there is no image .* with a file in .*images: see image_files"):
        store[image_id]
    assert store.get(image_id) is None
    assert image_id not in store


def test_store_with_a_manifest_that_leads_outside_does_not_follow_it(tmp_path: Path, store: ImageStore) -> None:
    pd.DataFrame({"image_id": ["island:0000"], "path": ["../outside.jpg"]}).to_parquet(tmp_path / "image_files.parquet")
    hostile = dataset_at(tmp_path).load()
    with pytest.raises(ValueError, match="the path has the part"):
        hostile["island:0000"]
    assert "island:0000" not in hostile


def test_store_with_a_file_that_was_removed_since_raises_a_key_error(store: ImageStore) -> None:
    store.remove("island/camera/0000.jpg")
    assert "island:0000" not in store
    with pytest.raises(KeyError, match=r"there is no 'island/camera/0000\.jpg'"):
        store["island:0000"]


def test_store_is_chosen_from_by_image_id(store: ImageStore) -> None:
    crops = pd.DataFrame({"crop_id": ["x", "y"], "image_id": ["island:0001", "island:0001"]})
    chosen = store.select(crops)
    assert list(chosen) == ["island:0001"]
    assert chosen["island:0001"].size == IMAGE_SIZE[::-1]


def test_store_that_was_pickled_reads_the_manifest_itself(store: ImageStore) -> None:
    fresh, used = pickle.dumps(store), (len(store), pickle.dumps(store))[1]
    assert len(used) == len(fresh)
    assert pickle.loads(used)["island:0000"].size == IMAGE_SIZE


def test_store_without_a_manifest_is_a_folder_and_names_the_pipeline_that_makes_one(tmp_path: Path) -> None:
    store = dataset_at(tmp_path).load()
    store.write("island/a.jpg", write_jpeg(tmp_path / "picture.jpg").read_bytes())
    assert list(store.stats()) == ["island/a.jpg"]
    with pytest.raises(InputError, match=r"no manifest of the images in .*kedro run --pipeline=ingestion"):
        store["island:0000"]


def test_entries_of_the_project_name_the_same_manifest() -> None:
    entries = yaml.safe_load((CONF / "base" / "catalog" / "ingestion.yml").read_text(encoding="utf-8"))
    catalog = DataCatalog.from_config({"image_store": entries["image_store"]})
    assert isinstance(catalog.load("image_store"), ImageStore)
    assert entries["image_store"]["manifest"]["filepath"] == entries["image_files"]["filepath"]
