"""What of the wanted images is in the store already, told without opening a file."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.pipelines.ingestion.ledger import Entry
from animl_kedro.tables import FileStatus


class Wanted(NamedTuple):
    """An image that should be in the store: under which path, and from which object of its data set's archive."""

    image_id: str
    dataset: str
    key: str
    path: str


class FileRow(NamedTuple):
    """A row of `ImageFiles`."""

    image_id: str
    key: str
    path: str | None
    bytes: int | None
    checksum: str | None
    status: FileStatus
    error: str | None

    @classmethod
    def there(cls, wanted: Wanted, entry: Entry, status: FileStatus) -> "FileRow":
        """The row of an image whose file is in the store."""
        return cls(wanted.image_id, wanted.key, wanted.path, entry.bytes, entry.checksum, status, None)

    @classmethod
    def absent(cls, wanted: Wanted, status: FileStatus, error: str) -> "FileRow":
        """The row of an image whose file is not in the store."""
        return cls(wanted.image_id, wanted.key, None, None, None, status, error)


class Stock(NamedTuple):
    """The images whose files are as the ledger says, those whose files need a closer look, and those without a file."""

    present: list[FileRow]
    unknown: list[Wanted]
    absent: list[Wanted]


def wanted_files(images: pd.DataFrame) -> Iterator[Wanted]:
    """What `Images` wants to have in the store, in the order of the table."""
    paths = images["dataset"] + "/" + images["file_name"]
    return map(Wanted, images["image_id"], images["dataset"], images["key"], paths)


def take_stock(images: pd.DataFrame, store: ImageFolder, entries: Mapping[str, Entry]) -> Stock:
    """Compare the wanted images with the ledger and with size and time of the files that are there."""
    stock = Stock([], [], [])
    for wanted in wanted_files(images):
        entry = entries.get(wanted.path)
        try:
            status = store.path_of(wanted.path).stat()
        except OSError:
            stock.absent.append(wanted)
            continue
        if entry and entry.key == wanted.key and _is_as_written(status, entry):
            stock.present.append(FileRow.there(wanted, entry, FileStatus.PRESENT))
        else:
            stock.unknown.append(wanted)
    return stock


def _is_as_written(status: os.stat_result, entry: Entry) -> bool:
    return status.st_size == entry.bytes and status.st_mtime_ns == entry.modified_ns


def inspect(file: Path, wanted: Wanted, entry: Entry | None) -> Entry | None:
    """A new entry for a file that can stay, read to its end for its checksum; None where it must be downloaded.

    It can stay where the ledger knows the same bytes of the same object, only with another time, or where it knows
    nothing of the file: people bring folders of images with them, and a killed run may leave an image unnoted.
    """
    if entry and entry.key != wanted.key:
        return None
    try:
        with file.open("rb") as opened:
            checksum = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        found = entry_of(file, wanted.key, checksum)
    except OSError:  # it cannot be read, or is a folder
        return None
    return found if found.bytes and (entry is None or entry.checksum == checksum) else None


def entry_of(file: Path, key: str, checksum: str) -> Entry:
    """The entry of a file that is in place."""
    status = file.stat()
    return Entry(key, status.st_size, checksum, status.st_mtime_ns)
