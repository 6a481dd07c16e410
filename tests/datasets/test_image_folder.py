"""A folder of images as a mapping that opens a file when it is asked for it, and none outside."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.image_folder import ImageFolder, ImageFolderDataset
from animl_kedro.images import UnreadableImageError
from factories import IMAGE_SIZE, write_jpeg


@pytest.fixture
def folder(tmp_path: Path) -> ImageFolder:
    """Three images, one of them turned; a picture outside; and what a killed run left."""
    root = tmp_path / "images"
    write_jpeg(root / "b" / "second.jpg")
    write_jpeg(root / "b" / "first.JPG", orientation=6)
    write_jpeg(root / "a.jpg")
    write_jpeg(root / "b" / ".0123456789ab.part")
    write_jpeg(tmp_path / "outside.jpg")
    return ImageFolder(root)


def test_image_folder_is_a_mapping_of_relative_paths(folder: ImageFolder) -> None:
    assert isinstance(folder, Mapping)
    assert list(folder) == ["a.jpg", "b/first.JPG", "b/second.jpg"]
    assert len(folder) == 3
    assert {path: image.size for path, image in folder.items()} == {
        "a.jpg": IMAGE_SIZE,
        "b/first.JPG": IMAGE_SIZE[::-1],
        "b/second.jpg": IMAGE_SIZE,
    }


def test_image_folder_without_a_file_raises_a_key_error_that_names_it(folder: ImageFolder) -> None:
    with pytest.raises(KeyError, match=r"no 'b/none\.jpg' in .*images"):
        folder["b/none.jpg"]
    with pytest.raises(KeyError):
        folder["b"]  # a folder
    assert folder.get("b/none.jpg") is None


@pytest.mark.parametrize("path", ["../outside.jpg", "b/../../outside.jpg", "/etc/hostname", "", "a.jpg/"])
def test_image_folder_never_opens_what_is_outside(folder: ImageFolder, path: str) -> None:
    with pytest.raises(ValueError, match="the path"):
        folder[path]
    with pytest.raises(ValueError, match="the path"):
        folder.path_of(path)
    assert path not in folder


def test_image_folder_with_an_absolute_path_never_opens_it(folder: ImageFolder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="absolute"):
        folder[str(tmp_path / "outside.jpg")]


def test_image_folder_with_a_damaged_image_opens_the_others(folder: ImageFolder) -> None:
    path = folder.path_of("a.jpg")
    path.write_bytes(path.read_bytes()[:500])
    assert len(folder) == 3
    assert "a.jpg" in folder
    assert folder["b/second.jpg"].size == IMAGE_SIZE
    with pytest.raises(UnreadableImageError):
        folder["a.jpg"]


def test_image_folder_tells_what_it_has(folder: ImageFolder) -> None:
    assert "b/second.jpg" in folder
    assert "b/none.jpg" not in folder
    something_else: object = 5
    assert something_else not in folder


def test_image_folder_shows_what_came_since(folder: ImageFolder) -> None:
    write_jpeg(folder.path_of("c/new.jpg"))
    assert len(folder) == 4
    assert folder["c/new.jpg"].size == IMAGE_SIZE


def test_dataset_makes_the_folder_when_it_is_loaded(tmp_path: Path) -> None:
    dataset = ImageFolderDataset(path=str(tmp_path / "new" / "images"))
    assert dataset.exists()
    assert not (tmp_path / "new").exists()
    folder = dataset.load()
    assert folder.root.is_dir()
    assert list(folder) == []


def test_dataset_refuses_to_be_saved(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="written to file by file"):
        ImageFolderDataset(path=str(tmp_path)).save("data")  # type: ignore[arg-type]


def test_dataset_in_a_catalog_gives_the_folder(tmp_path: Path, folder: ImageFolder) -> None:
    catalog = DataCatalog.from_config(
        {
            "crop_images": {
                "type": "animl_kedro.datasets.image_folder.ImageFolderDataset",
                "path": str(folder.root),
                "metadata": {"kedro-viz": {"layer": "primary"}},
            }
        }
    )
    assert list(catalog.load("crop_images")) == list(folder)
    assert str(folder.root) in str(catalog["crop_images"])
