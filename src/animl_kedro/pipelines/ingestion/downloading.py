"""Fetching the images of a table from their archives: many at once, each written whole, every failure a row."""

import errno
from collections.abc import Sequence

import pandas as pd

from animl_kedro.allocator import keep_freed_memory
from animl_kedro.datasets.image_archive import ImageArchive, ImageArchives
from animl_kedro.datasets.object_errors import MissingKeyError, ObjectError
from animl_kedro.errors import InputError
from animl_kedro.files import written_whole
from animl_kedro.image_folder import ImageFolder
from animl_kedro.locks import alone_in
from animl_kedro.pipelines.ingestion.ledger import Entry, Ledger, opened_ledger
from animl_kedro.pipelines.ingestion.parameters import DownloadParams
from animl_kedro.pipelines.ingestion.readers import Readers
from animl_kedro.pipelines.ingestion.stock import FileRow, Wanted, entry_of, inspect, take_stock
from animl_kedro.pipelines.ingestion.workers import in_threads
from animl_kedro.progress import track
from animl_kedro.tables import FileStatus, ImageFiles

READING_THREADS = 8
"""Files are read by few threads: they are at hand, and more would only wait for each other."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What ends every write on a disk alike: it is full, the quota is used up, it cannot be written at all."""


def download(
    images: pd.DataFrame, archive: ImageArchive | ImageArchives, store: ImageFolder, params: DownloadParams
) -> pd.DataFrame:
    """Bring every image of the table into the store; images that are already there are not fetched again.

    Returns the manifest, one row an image in the table's order. A failure is a row with its error. Raises InputError
    where every download must fail: no credentials, no bucket, a disk that is full or cannot be written. One run at a
    time works on a store; another waits for it, and then finds its work done.
    """
    keep_freed_memory()
    try:
        store.root.mkdir(parents=True, exist_ok=True)
        with alone_in(store, "downloading images"), opened_ledger(store.root) as ledger:
            store.remove_leftovers()
            rows = _bring_all(images, archive, store, ledger, params)
    except OSError as error:
        raise InputError(
            f"The images cannot be written to {store.root}: {error.strerror}. Make room for them, or name another "
            "folder; then run the pipeline again: it goes on where it stopped."
        ) from error
    return ImageFiles.of([rows[image_id] for image_id in images["image_id"]])


def _bring_all(
    images: pd.DataFrame,
    archive: ImageArchive | ImageArchives,
    store: ImageFolder,
    ledger: Ledger,
    params: DownloadParams,
) -> dict[str, FileRow]:
    stock = take_stock(images, store, ledger.entries)
    adopted, absent = _adopt(stock.unknown, store, ledger)
    readers = Readers(archive, params)
    tasks = [*stock.absent, *absent]
    fetched = in_threads(lambda wanted: _fetch(wanted, store, ledger, readers), tasks, params.threads, readers.stop)
    shown = track(fetched, "downloading images", total=len(tasks))
    return {row.image_id: row for rows in (stock.present, adopted, shown) for row in rows}


def _adopt(unknown: Sequence[Wanted], store: ImageFolder, ledger: Ledger) -> tuple[list[FileRow], list[Wanted]]:
    """The rows of images whose files can stay, which the ledger knows from now on; and the images to be downloaded."""

    def look(wanted: Wanted) -> tuple[Wanted, Entry | None]:
        entry = inspect(store.path_of(wanted.path), wanted, ledger.entries.get(wanted.path))
        if entry is not None:
            ledger.add(wanted.path, entry)
        return wanted, entry

    adopted: list[FileRow] = []
    absent: list[Wanted] = []
    looked = in_threads(look, unknown, READING_THREADS)
    for wanted, entry in track(looked, "reading images that are there", total=len(unknown)):
        if entry is None:
            absent.append(wanted)
        else:
            adopted.append(FileRow.there(wanted, entry, FileStatus.PRESENT))
    return adopted, absent


def _fetch(wanted: Wanted, store: ImageFolder, ledger: Ledger, readers: Readers) -> FileRow:
    """Download an image, and give its row."""
    file = store.path_of(wanted.path)
    try:
        with written_whole(file) as temporary:
            fetched = readers.of_dataset(wanted.dataset).fetch(wanted.key, temporary)
        entry = entry_of(file, wanted.key, fetched.checksum)
        ledger.add(wanted.path, entry)
    except MissingKeyError as error:
        return FileRow.absent(wanted, FileStatus.MISSING, str(error))
    except ObjectError as error:
        return FileRow.absent(wanted, FileStatus.FAILED, str(error))
    except OSError as error:
        if error.errno in FULL:
            raise
        return FileRow.absent(wanted, FileStatus.FAILED, f"{file} cannot be written: {error.strerror}")
    return FileRow.there(wanted, entry, FileStatus.DOWNLOADED)
