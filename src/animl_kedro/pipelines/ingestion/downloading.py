"""Fetching the images of a table from the archive: many at once, each written whole, every failure a row."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError

from animl_kedro.datasets.image_archive import ImageArchive, MissingKeyError
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.files import written_whole
from animl_kedro.progress import track
from animl_kedro.tables import FileStatus, ImageFiles

Row = dict[str, Any]


def download(images: pd.DataFrame, archive: ImageArchive, store: ImageFolder, threads: int) -> pd.DataFrame:
    """Bring every image of the table into the store; images that are already there are not fetched again.

    Returns the manifest, one row an image in the table's order. A failure is a row with its error; only what makes
    every download fail (no credentials, a full disk) is raised.
    """
    rows = track(_rows(images, archive, store, threads), "downloading images", total=len(images))
    by_id = {row["image_id"]: row for row in rows}
    return ImageFiles.of([by_id[image_id] for image_id in images["image_id"]])


def _rows(images: pd.DataFrame, archive: ImageArchive, store: ImageFolder, threads: int) -> Iterator[Row]:
    """Yield rows as they are done, with no more than a few tasks a thread waiting."""
    tasks = zip(images["image_id"], images["key"], images["dataset"] + "/" + images["file_name"], strict=True)
    with ThreadPoolExecutor(threads) as pool:
        running = {pool.submit(_bring, archive, store, *task) for task in islice(tasks, 4 * threads)}
        try:
            while running:
                done = next(as_completed(running))
                running.remove(done)
                running.update(pool.submit(_bring, archive, store, *task) for task in islice(tasks, 1))
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _bring(archive: ImageArchive, store: ImageFolder, image_id: str, key: str, path: str) -> Row:
    target = store.path_of(path)
    try:
        if target.is_file() and (data := target.read_bytes()):
            return _row(image_id, key, path, data, FileStatus.PRESENT)
        data = archive.read_bytes(key)
    except MissingKeyError as error:
        return _failure(image_id, key, FileStatus.MISSING, str(error))
    except (BotoCoreError, ClientError) as error:
        return _failure(image_id, key, FileStatus.FAILED, f"{type(error).__name__}: {error}")
    if not data:
        return _failure(image_id, key, FileStatus.FAILED, "the object in the archive is empty")
    _write(target, data)
    return _row(image_id, key, path, data, FileStatus.DOWNLOADED)


def _write(target: Path, data: bytes) -> None:
    with written_whole(target) as temporary:
        temporary.write_bytes(data)


def _row(image_id: str, key: str, path: str, data: bytes, status: FileStatus) -> Row:
    checksum = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return {
        "image_id": image_id,
        "key": key,
        "path": path,
        "bytes": len(data),
        "checksum": checksum,
        "status": status,
        "error": None,
    }


def _failure(image_id: str, key: str, status: FileStatus, error: str) -> Row:
    return {
        "image_id": image_id,
        "key": key,
        "path": None,
        "bytes": None,
        "checksum": None,
        "status": status,
        "error": error,
    }
