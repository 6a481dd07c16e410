"""Fetching the images of a table from their archives: many at once, each written whole, every failure a row."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from animl_kedro.datasets.image_archive import ImageArchive, ImageArchives
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.datasets.object_errors import MissingKeyError, ObjectError
from animl_kedro.errors import InputError
from animl_kedro.files import written_whole
from animl_kedro.pipelines.ingestion.ledger import Ledger, opened_ledger
from animl_kedro.pipelines.ingestion.parameters import DownloadParams
from animl_kedro.pipelines.ingestion.readers import Readers
from animl_kedro.pipelines.ingestion.stock import FileRow, Wanted, entry_of, inspect, take_stock
from animl_kedro.pipelines.ingestion.workers import in_threads
from animl_kedro.progress import track
from animl_kedro.tables import FileStatus, ImageFiles

LOCK = ".lock"

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What ends every write on a disk alike: it is full, the quota is used up, it cannot be written at all."""

logger = logging.getLogger(__name__)


def download(
    images: pd.DataFrame, archive: ImageArchive | ImageArchives, store: ImageFolder, params: DownloadParams
) -> pd.DataFrame:
    """Bring every image of the table into the store; images that are already there are not fetched again.

    Returns the manifest, one row an image in the table's order. A failure is a row with its error. Raises InputError
    where every download must fail: no credentials, no bucket, a disk that is full or cannot be written. One run at a
    time works on a store; another waits for it, and then finds its work done.
    """
    try:
        with _alone_in(store.root), opened_ledger(store.root) as ledger:
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
    readers = Readers(archive, params)
    fetched = in_threads(lambda wanted: _bring(wanted, store, ledger, readers), stock.others, params.threads)
    shown = track(fetched, "downloading images", total=len(stock.others))
    return {row.image_id: row for rows in (stock.present, shown) for row in rows}


def _bring(wanted: Wanted, store: ImageFolder, ledger: Ledger, readers: Readers) -> FileRow:
    """Make an image's file be there, and give its row."""
    file = store.path_of(wanted.path)
    try:
        if entry := inspect(file, wanted, ledger.entries.get(wanted.path)):
            status = FileStatus.PRESENT
        else:
            with written_whole(file) as temporary:
                fetched = readers.of_dataset(wanted.dataset).fetch(wanted.key, temporary)
            entry, status = entry_of(file, wanted.key, fetched.checksum), FileStatus.DOWNLOADED
        ledger.add(wanted.path, entry)
    except MissingKeyError as error:
        return FileRow.absent(wanted, FileStatus.MISSING, str(error))
    except ObjectError as error:
        return FileRow.absent(wanted, FileStatus.FAILED, str(error))
    except OSError as error:
        if error.errno in FULL:
            raise
        return FileRow.absent(wanted, FileStatus.FAILED, f"{file} cannot be written: {error.strerror}")
    return FileRow.there(wanted, entry, status)


@contextmanager
def _alone_in(root: Path) -> Iterator[None]:
    """Hold the store's lock, which the system gives back even where a run is killed."""
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("another run is downloading into %s: waiting for it to end", root)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
