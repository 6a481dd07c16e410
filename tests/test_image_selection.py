"""Images chosen by a table: a mapping in the table's order that opens nothing before it is asked for."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from animl_kedro.datasets.image_archive import ImageArchives
from animl_kedro.datasets.object_errors import ObjectError
from animl_kedro.errors import InputError
from animl_kedro.image_folder import ImageFolder
from animl_kedro.images import UnreadableImageError
from animl_kedro.sample.server import serve_folder
from archives import archive_of
from factories import IMAGE_SIZE, make_images, write_jpeg

HOSTILE_IDS = ["../outside.jpg", "/etc/hostname", "", "a\0b", "con", "x" * 5000]


def table_of(*crop_ids: str) -> pd.DataFrame:
    return pd.DataFrame({"crop_id": crop_ids}, dtype="str")


@pytest.fixture
def folder(tmp_path: Path) -> ImageFolder:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write_jpeg(tmp_path / "crops" / name)
    write_jpeg(tmp_path / "outside.jpg")
    return ImageFolder(tmp_path / "crops")


def test_selection_is_a_mapping_of_a_tables_rows_in_their_order(folder: ImageFolder) -> None:
    chosen = folder.select(table_of("c.jpg", "a.jpg"))
    assert isinstance(chosen, Mapping)
    assert list(chosen) == ["c.jpg", "a.jpg"]
    assert {crop_id: image.size for crop_id, image in chosen.items()} == {"c.jpg": IMAGE_SIZE, "a.jpg": IMAGE_SIZE}
    assert "b.jpg" not in chosen
    with pytest.raises(KeyError, match=r"'b\.jpg' is none of the 2 that the table chose"):
        chosen["b.jpg"]


def test_selection_of_thousands_of_rows_opens_only_what_is_asked_for(folder: ImageFolder) -> None:
    chosen = folder.select(table_of(*(f"none/{number}.jpg" for number in range(50_000)), "a.jpg"))
    assert len(chosen) == 50_001
    assert "none/7.jpg" in chosen  # the table's word, not the folder's
    assert chosen["a.jpg"].size == IMAGE_SIZE
    with pytest.raises(KeyError, match=r"there is no 'none/7\.jpg'"):
        chosen["none/7.jpg"]
    assert chosen.get("none/7.jpg") is None


def test_selection_of_no_rows_is_empty(folder: ImageFolder) -> None:
    assert not folder.select(table_of())


def test_selection_takes_an_id_that_is_in_several_rows_once(folder: ImageFolder) -> None:
    assert list(folder.select(table_of("a.jpg", "b.jpg", "a.jpg"))) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("crop_id", HOSTILE_IDS)
def test_selection_with_a_hostile_id_opens_nothing_outside(folder: ImageFolder, crop_id: str) -> None:
    chosen = folder.select(table_of(crop_id, "a.jpg"))
    with pytest.raises(ValueError, match="the path"):
        chosen[crop_id]
    assert chosen["a.jpg"].size == IMAGE_SIZE


def test_selection_with_a_damaged_image_gives_the_others(folder: ImageFolder) -> None:
    folder.path_of("a.jpg").write_bytes(b"no image")
    chosen = folder.select(table_of("a.jpg", "b.jpg"))
    with pytest.raises(UnreadableImageError):
        chosen["a.jpg"]
    assert chosen["b.jpg"].size == IMAGE_SIZE


def test_selection_can_be_pickled(folder: ImageFolder) -> None:
    copy = pickle.loads(pickle.dumps(folder.select(table_of("b.jpg"))))
    assert copy["b.jpg"].size == IMAGE_SIZE


def test_selection_by_a_table_without_ids_says_which_column_it_wants(folder: ImageFolder) -> None:
    with pytest.raises(InputError, match="by the column 'crop_id', and the table has none; it has 'label'"):
        folder.select(pd.DataFrame({"label": ["fox"]}))


def test_folder_whose_ids_are_in_another_column_is_chosen_from_by_it(folder: ImageFolder) -> None:
    files = ImageFolder(folder.root, column="file")
    assert list(files.select(pd.DataFrame({"file": ["b.jpg"]}))) == ["b.jpg"]


# Of archives


def test_selection_of_an_archive_is_by_image_id_and_fetches_by_key(tmp_path: Path) -> None:
    images = make_images(3)
    for key in images["key"].head(2):
        write_jpeg(tmp_path / "served" / key)
    with serve_folder(tmp_path / "served", "chosen") as server:
        chosen = archive_of(server).select(images)
        assert list(chosen) == list(images["image_id"])
        assert chosen["island:0001"].size == IMAGE_SIZE
        with pytest.raises(KeyError, match=r"s3://chosen has no key 'original/island:0002-original\.jpg'"):
            chosen["island:0002"]
        assert pickle.loads(pickle.dumps(chosen))["island:0000"].size == IMAGE_SIZE


def test_selection_of_several_archives_asks_each_for_its_own_images(tmp_path: Path) -> None:
    images = make_images(2, dataset=["here", "there"])
    write_jpeg(tmp_path / "served" / images["key"][0])
    with serve_folder(tmp_path / "served", "here") as server:
        archives = ImageArchives({"here": archive_of(server)})
        chosen = pickle.loads(pickle.dumps(archives.select(images)))
        assert chosen["island:0000"].size == IMAGE_SIZE
        with pytest.raises(InputError, match="no archive for the data set 'there', only for 'here'"):
            chosen["island:0001"]


def test_selection_of_an_archive_whose_server_is_gone_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = make_images(1)
    write_jpeg(tmp_path / "served" / images["key"][0])
    monkeypatch.setattr("animl_kedro.datasets.object_reader.FIRST_WAIT_S", 0.001)
    with serve_folder(tmp_path / "served", "gone") as server:
        archive = archive_of(server)
        chosen = archive.select(images)
        assert chosen["island:0000"].size == IMAGE_SIZE
    with pytest.raises(ObjectError, match="s3://gone, key 'original/island:0000"):
        chosen["island:0000"]
    assert len(chosen) == 1
