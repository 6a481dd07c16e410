"""A folder of images as a mapping that opens a file when it is asked for it, and none outside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.image_folder import ImageFolder, ImageFolderDataset
from animl_kedro.files import written_whole
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


def test_image_folder_that_does_not_exist_holds_nothing_and_is_not_made(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path / "none")
    folder.remove_leftovers()
    assert list(folder) == []
    assert len(folder) == 0
    assert "a.jpg" not in folder
    with pytest.raises(KeyError):
        folder["a.jpg"]
    assert not folder.root.exists()


def test_image_folder_leaves_out_what_the_pipelines_note_beside_the_images(folder: ImageFolder) -> None:
    for name in (".lock", ".ledger.jsonl", ".0123456789ab.part", "b/.abcdef012345.part"):
        (folder.root / name).touch()
    assert list(folder) == ["a.jpg", "b/first.JPG", "b/second.jpg"]


def test_image_folder_shows_names_that_are_only_like_temporary_ones(folder: ImageFolder) -> None:
    for name in ("b/x.part", "b/0123456789ab.part", "b/.0123456789ab.part.jpg"):
        (folder.root / name).touch()
    assert list(folder) == [
        "a.jpg",
        "b/.0123456789ab.part.jpg",
        "b/0123456789ab.part",
        "b/first.JPG",
        "b/second.jpg",
        "b/x.part",
    ]


# Folders that are adopted


@pytest.fixture
def adopting(folder: ImageFolder, tmp_path: Path) -> ImageFolder:
    """The same, and an adopted folder of two images, of which one lies deeper; beside it a picture outside."""
    elsewhere = tmp_path / "disk" / "elsewhere"
    write_jpeg(elsewhere / "x.jpg")
    write_jpeg(elsewhere / "deep" / "er" / "y.jpg", orientation=6)
    write_jpeg(tmp_path / "disk" / "outside.jpg")
    return ImageFolder(folder.root, {"island": elsewhere})


def test_image_folder_with_an_adopted_folder_finds_its_images_there(adopting: ImageFolder, tmp_path: Path) -> None:
    assert adopting.path_of("island/x.jpg") == tmp_path / "disk" / "elsewhere" / "x.jpg"
    assert adopting.path_of("island/new/z.jpg") == tmp_path / "disk" / "elsewhere" / "new" / "z.jpg"
    assert adopting["island/deep/er/y.jpg"].size == IMAGE_SIZE[::-1]
    assert "island/x.jpg" in adopting
    assert "island/none.jpg" not in adopting
    with pytest.raises(KeyError, match=r"no 'island/none\.jpg'"):
        adopting["island/none.jpg"]


@pytest.mark.parametrize("path", ["b/second.jpg", "a.jpg", "b/island/x.jpg", "islands/x.jpg", "ISLAND/x.jpg"])
def test_image_folder_with_an_adopted_folder_keeps_the_others_below_its_root(adopting: ImageFolder, path: str) -> None:
    assert adopting.path_of(path) == adopting.root / path


def test_image_folder_with_an_adopted_folder_is_a_mapping_of_all(adopting: ImageFolder) -> None:
    assert list(adopting) == [
        "a.jpg",
        "b/first.JPG",
        "b/second.jpg",
        "island/deep/er/y.jpg",
        "island/x.jpg",
    ]
    assert len(adopting) == 5
    assert {image.size for image in adopting.values()} == {IMAGE_SIZE, IMAGE_SIZE[::-1]}


def test_image_folder_with_a_folder_of_the_adopted_name_below_its_root_shows_the_adopted_one(
    adopting: ImageFolder,
) -> None:
    write_jpeg(adopting.root / "island" / "hidden.jpg")
    assert "island/hidden.jpg" not in adopting
    assert [path for path in adopting if path.startswith("island/")] == ["island/deep/er/y.jpg", "island/x.jpg"]


def test_image_folder_with_an_adopted_folder_that_is_not_there_shows_the_others(folder: ImageFolder) -> None:
    adopting = ImageFolder(folder.root, {"island": folder.root.parent / "none"})
    assert list(adopting) == list(folder)
    assert "island/x.jpg" not in adopting
    assert not (folder.root.parent / "none").exists()


def test_image_folder_without_a_root_shows_its_adopted_folder(adopting: ImageFolder, tmp_path: Path) -> None:
    alone = ImageFolder(tmp_path / "none", {"island": tmp_path / "disk" / "elsewhere"})
    assert list(alone) == ["island/deep/er/y.jpg", "island/x.jpg"]


@pytest.mark.parametrize(
    "path",
    [
        "island/../outside.jpg",
        "island/deep/../../outside.jpg",
        "island//etc/hostname",
        "island/",
        "island/x.jpg/",
        "../x",
    ],
)
def test_image_folder_never_opens_what_is_outside_of_an_adopted_folder(adopting: ImageFolder, path: str) -> None:
    with pytest.raises(ValueError, match="the path"):
        adopting[path]
    with pytest.raises(ValueError, match="the path"):
        adopting.path_of(path)
    assert path not in adopting


def test_image_folder_asked_for_an_adopted_folder_itself_has_no_such_image(adopting: ImageFolder) -> None:
    assert "b" not in adopting  # as with any folder
    assert "island" not in adopting
    assert adopting.get("island") is None


# Leftovers


def left_by_a_killed_run(target: Path) -> Path:
    """What is left of a file that was being written when its process was killed."""
    with written_whole(target) as temporary:
        temporary.write_bytes(b"half")
    return target.rename(temporary)  # back to what it was called before the end


def everything_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_remove_leftovers_removes_what_killed_runs_left_and_nothing_else(adopting: ImageFolder, tmp_path: Path) -> None:
    for name in (".lock", ".ledger.jsonl", ".hidden", "b/.hidden", "b/x.part", "b/.0123456789.part", "b/empty.jpg"):
        (adopting.root / name).write_text(name)
    (adopting.root / "b" / ".0123456789ab.part").unlink()
    expected = everything_below(tmp_path)
    elsewhere = tmp_path / "disk" / "elsewhere"
    places = (adopting.root, adopting.root / "b", adopting.root / "new" / "er", elsewhere, elsewhere / "deep" / "er")
    left = [left_by_a_killed_run(place / name) for place in places for name in ("photo.jpg", "other.jpg")]
    assert all(path.read_bytes() == b"half" for path in left)
    outside = left_by_a_killed_run(tmp_path / "disk" / "photo.jpg")
    before = list(adopting)
    adopting.remove_leftovers()
    assert not any(path.exists() for path in left)
    assert outside.exists()
    outside.unlink()
    assert everything_below(tmp_path) == expected
    assert list(adopting) == before


def test_remove_leftovers_twice_is_no_error(folder: ImageFolder) -> None:
    folder.remove_leftovers()
    folder.remove_leftovers()
    assert not (folder.root / "b" / ".0123456789ab.part").exists()
    assert len(folder) == 3


def test_dataset_that_is_loaded_makes_no_folder(tmp_path: Path) -> None:
    dataset = ImageFolderDataset(
        path=str(tmp_path / "new" / "images"), folders={"island": str(tmp_path / "other" / "island")}
    )
    assert dataset.exists()
    folder = dataset.load()
    assert list(folder) == []
    assert folder.path_of("a/b.jpg") == tmp_path / "new" / "images" / "a" / "b.jpg"
    assert folder.path_of("island/b.jpg") == tmp_path / "other" / "island" / "b.jpg"
    assert not any(path.exists() for path in (tmp_path / "new", tmp_path / "other"))


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "nul", "a b", "ends."])
def test_dataset_with_a_folder_that_is_no_name_of_a_data_set_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="cannot be the name of a data set"):
        ImageFolderDataset(path=str(tmp_path), folders={name: str(tmp_path)})


def test_dataset_with_two_folders_of_one_name_but_for_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="differ only in upper and lower case"):
        ImageFolderDataset(path=str(tmp_path), folders={"island": str(tmp_path), "Island": str(tmp_path)})


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


def test_dataset_in_a_catalog_adopts_folders(tmp_path: Path, adopting: ImageFolder) -> None:
    catalog = DataCatalog.from_config(
        {
            "image_store": {
                "type": "animl_kedro.datasets.image_folder.ImageFolderDataset",
                "path": str(adopting.root),
                "folders": {"island": str(tmp_path / "disk" / "elsewhere")},
            }
        }
    )
    assert list(catalog.load("image_store")) == list(adopting)
    assert str(tmp_path / "disk" / "elsewhere") in str(catalog["image_store"])


def test_dataset_with_a_folder_that_is_not_absolute_is_refused() -> None:
    with pytest.raises(DatasetError, match="'data/old': expected an absolute path"):
        ImageFolderDataset(path="data/images", folders={"island": "data/old"})


@pytest.mark.parametrize("folders", [{2024: "/mnt/old"}, ["/mnt/old"], "/mnt/old"])
def test_dataset_with_folders_that_are_no_names_is_refused(folders: Any) -> None:
    with pytest.raises(DatasetError, match=r"put it in quotes|is no mapping"):
        ImageFolderDataset(path="data/images", folders=folders)
