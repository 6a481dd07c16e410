"""What is in the store: told by size and time where the ledger knows a file, and by its bytes where it does not."""

import hashlib
import os
from pathlib import Path

import pandas as pd
import pytest

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.pipelines.ingestion.ledger import Entry
from animl_kedro.pipelines.ingestion.stock import Wanted, entry_of, inspect, take_stock, wanted_files
from animl_kedro.tables import FileStatus, ImageFiles
from factories import DATASET, image_id, make_images

BYTES = b"an image's bytes"
OTHERS = b"as many others.."
SECOND_NS = 1_000_000_000


def checksum_of(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


WANTED = Wanted(image_id(0), DATASET, "original/island:0000-original.jpg", "island/camera/0000.jpg")
"""What the first of `make_images` wants."""


@pytest.fixture
def store(tmp_path: Path) -> ImageFolder:
    return ImageFolder(tmp_path / "store")


@pytest.fixture
def file(store: ImageFolder) -> Path:
    """The file of the first image, as it was written."""
    path = store.path_of(WANTED.path)
    path.parent.mkdir(parents=True)
    path.write_bytes(BYTES)
    return path


@pytest.fixture
def entry(file: Path) -> Entry:
    """What the ledger knows of it."""
    return entry_of(file, WANTED.key, checksum_of(BYTES))


def touch(file: Path, by_ns: int = 5 * SECOND_NS) -> None:
    """Change a file's time, and nothing else."""
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + by_ns))


def is_in_stock(store: ImageFolder, entry: Entry, images: pd.DataFrame | None = None) -> bool:
    """Whether the first image is told to be there without opening its file."""
    stock = take_stock(make_images(1) if images is None else images, store, {WANTED.path: entry})
    assert len(stock.present) + len(stock.unknown) + len(stock.absent) == 1
    return bool(stock.present)


def test_wanted_files_of_a_table_are_in_its_order() -> None:
    images = make_images(3, dataset=["b", "a", "b"]).iloc[::-1]
    assert list(wanted_files(images)) == [
        Wanted(image_id(number), name, images["key"][number], f"{name}/camera/{number:04d}.jpg")
        for number, name in ((2, "b"), (1, "a"), (0, "b"))
    ]


def test_wanted_files_of_no_images_are_none(store: ImageFolder) -> None:
    assert list(wanted_files(make_images(0))) == []
    assert take_stock(make_images(0), store, {}) == ([], [], [])


def test_entry_of_a_file_tells_its_size_and_its_time(file: Path) -> None:
    os.utime(file, ns=(0, 1_700_000_000_123_456_789))
    known = entry_of(file, "key", "sum")
    assert (known.key, known.bytes, known.checksum) == ("key", len(BYTES), "sum")
    assert known.modified_ns == file.stat().st_mtime_ns


# What the ledger tells, without opening a file


def test_take_stock_of_an_unchanged_file_gives_its_row(store: ImageFolder, entry: Entry) -> None:
    stock = take_stock(make_images(1), store, {WANTED.path: entry})
    assert (stock.unknown, stock.absent) == ([], [])
    assert stock.present == [
        (WANTED.image_id, WANTED.key, WANTED.path, len(BYTES), checksum_of(BYTES), FileStatus.PRESENT, None)
    ]
    assert len(ImageFiles.of(stock.present)) == 1


@pytest.mark.parametrize("by_ns", [1000, -1000, SECOND_NS, -SECOND_NS])
def test_take_stock_of_a_touched_file_leaves_it_to_a_closer_look(
    store: ImageFolder, file: Path, entry: Entry, by_ns: int
) -> None:
    touch(file, by_ns)
    assert not is_in_stock(store, entry)


@pytest.mark.parametrize("data", [BYTES + b"x", BYTES[:-1], b""])
def test_take_stock_of_a_file_of_another_size_leaves_it_to_a_closer_look(
    store: ImageFolder, file: Path, entry: Entry, data: bytes
) -> None:
    status = file.stat()
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # the size alone tells
    assert not is_in_stock(store, entry)


def test_take_stock_of_a_file_of_another_key_leaves_it_to_a_closer_look(store: ImageFolder, entry: Entry) -> None:
    assert not is_in_stock(store, entry, make_images(1, key=["original/another.jpg"]))
    assert not is_in_stock(store, entry._replace(key="original/another.jpg"))


def test_take_stock_of_a_file_that_is_gone_leaves_it_to_a_download(
    store: ImageFolder, file: Path, entry: Entry
) -> None:
    file.unlink()
    assert not is_in_stock(store, entry)
    file.parent.rmdir()
    assert not is_in_stock(store, entry)
    file.parent.write_bytes(b"a file where the folder should be")
    assert not is_in_stock(store, entry)


def test_take_stock_of_a_folder_in_the_files_place_leaves_it_to_a_closer_look(
    store: ImageFolder, file: Path, entry: Entry
) -> None:
    file.unlink()
    file.mkdir()
    assert not is_in_stock(store, entry)


def test_take_stock_of_a_file_that_the_ledger_does_not_know_leaves_it_to_a_closer_look(
    store: ImageFolder, file: Path, entry: Entry
) -> None:
    assert take_stock(make_images(1), store, {}).unknown == [WANTED]
    assert take_stock(make_images(1), store, {"island/camera/0001.jpg": entry}).unknown == [WANTED]


def test_take_stock_of_many_gives_each_image_once_in_its_order(store: ImageFolder) -> None:
    images = make_images(6).iloc[::-1]
    entries: dict[str, Entry] = {}
    for wanted in wanted_files(images):
        path = store.path_of(wanted.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BYTES)
        entries[wanted.path] = entry_of(path, wanted.key, checksum_of(BYTES))
    for number in (1, 4):
        touch(store.path_of(f"island/camera/{number:04d}.jpg"))
    stock = take_stock(images, store, entries)
    assert [row.image_id for row in stock.present] == [image_id(number) for number in (5, 3, 2, 0)]
    assert [wanted.image_id for wanted in stock.unknown] == [image_id(number) for number in (4, 1)]


def test_take_stock_of_an_adopted_folder_looks_for_the_files_there(tmp_path: Path) -> None:
    store = ImageFolder(tmp_path / "store", {DATASET: tmp_path / "elsewhere"})
    path = tmp_path / "elsewhere" / "camera" / "0000.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(BYTES)
    assert is_in_stock(store, entry_of(path, WANTED.key, checksum_of(BYTES)))


# What a closer look tells


def test_inspect_of_an_unchanged_file_lets_it_stay(file: Path, entry: Entry) -> None:
    assert inspect(file, WANTED, entry) == entry


def test_inspect_of_a_touched_file_lets_it_stay_and_notes_its_time(
    store: ImageFolder, file: Path, entry: Entry
) -> None:
    touch(file)
    found = inspect(file, WANTED, entry)
    assert found == entry._replace(modified_ns=file.stat().st_mtime_ns)
    assert found != entry
    assert is_in_stock(store, found or entry)


@pytest.mark.parametrize("data", [OTHERS, BYTES + b"x", BYTES[:-1]])
def test_inspect_of_a_file_with_other_bytes_has_it_downloaded(file: Path, entry: Entry, data: bytes) -> None:
    assert len(OTHERS) == len(BYTES)
    file.write_bytes(data)
    touch(file)
    assert inspect(file, WANTED, entry) is None


def test_inspect_of_a_file_of_another_key_has_it_downloaded(file: Path, entry: Entry) -> None:
    assert inspect(file, WANTED, entry._replace(key="original/another.jpg")) is None


@pytest.mark.parametrize("is_known", [True, False])
def test_inspect_of_an_empty_file_has_it_downloaded(file: Path, entry: Entry, is_known: bool) -> None:
    file.write_bytes(b"")
    assert inspect(file, WANTED, entry if is_known else None) is None
    assert inspect(file, WANTED, entry_of(file, WANTED.key, checksum_of(b""))) is None


@pytest.mark.parametrize("is_known", [True, False])
def test_inspect_of_a_file_that_is_not_there_has_it_downloaded(file: Path, entry: Entry, is_known: bool) -> None:
    known = entry if is_known else None
    file.unlink()
    assert inspect(file, WANTED, known) is None
    file.parent.rmdir()
    assert inspect(file, WANTED, known) is None
    file.parent.write_bytes(b"a file where the folder should be")
    assert inspect(file, WANTED, known) is None


def test_inspect_of_a_file_that_the_ledger_does_not_know_adopts_it(store: ImageFolder, file: Path) -> None:
    found = inspect(file, WANTED, None)
    assert found == Entry(WANTED.key, len(BYTES), checksum_of(BYTES), file.stat().st_mtime_ns)
    assert is_in_stock(store, found)


@pytest.mark.parametrize("is_known", [True, False])
def test_inspect_of_a_folder_in_the_files_place_leaves_it_to_the_download_to_fail(
    file: Path, entry: Entry, is_known: bool
) -> None:
    file.unlink()
    file.mkdir()
    assert inspect(file, WANTED, entry if is_known else None) is None
    assert file.is_dir()
