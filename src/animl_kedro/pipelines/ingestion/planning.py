"""What a download would bring, and how long it would take: told from a sample, without touching anything."""

import time
from collections.abc import Sequence
from io import BytesIO
from random import Random
from typing import NamedTuple

import pandas as pd

from animl_kedro.datasets.image_archive import ImageArchive, ImageArchives
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.datasets.object_errors import ObjectError
from animl_kedro.pipelines.ingestion.ledger import Entry, read_ledger
from animl_kedro.pipelines.ingestion.parameters import DownloadParams
from animl_kedro.pipelines.ingestion.readers import Readers
from animl_kedro.pipelines.ingestion.stock import FileRow, Wanted, take_stock
from animl_kedro.pipelines.ingestion.workers import in_threads
from animl_kedro.tables import FileStatus, ImageFiles

SAMPLED = 64
"""Images of a data set that are fetched, into memory alone: enough for a mean size to within some per cent."""

SECONDS = 10.0
"""After which a data set's sample is large enough, however few images it has by then."""

LISTED = 5
"""Keys that a plan names, lest it be longer than a screen."""


class DatasetPlan(NamedTuple):
    """What a download of a data set's images would bring.

    ``bytes`` and ``seconds`` are estimates from the ``sampled`` images, None where none could be had; ``failed`` of
    them could not, the first for the reason ``error``.
    """

    dataset: str
    images: int
    absent: tuple[str, ...]
    sampled: int
    failed: int
    bytes: float | None
    seconds: float | None
    error: str | None


class _Fetched(NamedTuple):
    bytes: int
    error: str | None


def plan_downloads(
    images: pd.DataFrame, archive: ImageArchive | ImageArchives, store: ImageFolder, params: DownloadParams
) -> tuple[list[DatasetPlan], pd.DataFrame]:
    """A plan for each data set, and the manifest as it stands. Raises InputError where nothing can be downloaded."""
    entries = read_ledger(store.root)
    stock = take_stock(images, store, entries)
    others = [_as_it_lies(wanted, store, entries.get(wanted.path)) for wanted in (*stock.unknown, *stock.absent)]
    absent = [*stock.absent, *(wanted for wanted, row in zip(stock.unknown, others, strict=False) if row.path is None)]
    readers = Readers(archive, params)
    plans = [
        _plan(str(name), int(count), [wanted for wanted in absent if wanted.dataset == name], readers, params.threads)
        for name, count in images["dataset"].value_counts().sort_index().items()
    ]
    rows = {row.image_id: row for row in (*stock.present, *others)}
    return plans, ImageFiles.of([rows[image_id] for image_id in images["image_id"]])


def describe_plan(plan: DatasetPlan) -> str:
    """The plan in words, for a person."""
    absent = len(plan.absent)
    text = f"{plan.dataset}: {plan.images:,} images, {plan.images - absent:,} there, {absent:,} to download"
    if not absent:
        return text
    if plan.bytes is None or plan.seconds is None:
        text += f"; none of the {plan.sampled} tried can be had, the first: {plan.error}"
    else:
        measured = plan.sampled - plan.failed
        text += f", about {plan.bytes / 1e6:,.1f} MB in {_duration(plan.seconds)} (from {measured} fetched on trial"
        text += f"; {plan.failed} of {plan.sampled} could not be had, the first: {plan.error})" if plan.failed else ")"
    listed = ", ".join(plan.absent[:LISTED])
    return f"{text}; to be fetched: {listed}" + (f" and {absent - LISTED:,} more" if absent > LISTED else "")


def _as_it_lies(wanted: Wanted, store: ImageFolder, entry: Entry | None) -> FileRow:
    """The row of an image that the ledger does not vouch for: its file, if there is one, is not read for that."""
    try:
        size = store.path_of(wanted.path).stat().st_size
    except OSError:
        size = 0
    if not size or (entry and (entry.key, entry.bytes) != (wanted.key, size)):
        return FileRow.absent(wanted, FileStatus.MISSING, "not downloaded, in a dry run")
    return FileRow(wanted.image_id, wanted.key, wanted.path, size, None, FileStatus.PRESENT, None)


def _plan(dataset: str, images: int, absent: Sequence[Wanted], readers: Readers, threads: int) -> DatasetPlan:
    sample = Random(0).sample(absent, min(SAMPLED, len(absent)))  # noqa: S311 - a sample, no secret
    fetched, seconds = _fetch(sample, readers, threads)
    had = [one.bytes for one in fetched if one.error is None]
    errors = [one.error for one in fetched if one.error is not None]
    total = sum(had) / len(fetched) * len(absent) if had else None
    duration = seconds / len(fetched) * len(absent) if had else None
    keys = tuple(wanted.key for wanted in absent)
    return DatasetPlan(dataset, images, keys, len(fetched), len(errors), total, duration, next(iter(errors), None))


def _fetch(sample: Sequence[Wanted], readers: Readers, threads: int) -> tuple[list[_Fetched], float]:
    """Fetch images, as many at once as a download does; how many seconds that took."""

    def fetch(wanted: Wanted) -> _Fetched:
        try:
            return _Fetched(readers.of_dataset(wanted.dataset).read(wanted.key, BytesIO()).bytes, None)
        except ObjectError as error:
            return _Fetched(0, str(error))

    fetched: list[_Fetched] = []
    started = time.monotonic()
    for one in in_threads(fetch, sample, threads):
        fetched.append(one)
        if time.monotonic() - started > SECONDS:
            break
    return fetched, time.monotonic() - started


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
