"""From detections to crops: which are there already, which are to be made, and what no box belongs to any more."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

import pandas as pd

from animl_kedro.executors import in_shards
from animl_kedro.formats.megadetector import Results
from animl_kedro.garbage import no_garbage_collection
from animl_kedro.image_folder import ImageFolder
from animl_kedro.locks import alone_in
from animl_kedro.pipelines.detection_cropping.crop_files import CROP_NAME, image_of
from animl_kedro.pipelines.detection_cropping.crop_ledger import Entry, read_ledger, write_ledger
from animl_kedro.pipelines.detection_cropping.crop_rows import crop_row, detection_rows
from animl_kedro.pipelines.detection_cropping.cropping import (
    Box,
    Crop,
    CropTask,
    Rejected,
    crop_image,
    fingerprint_of,
    lose,
)
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams
from animl_kedro.pipelines.detection_cropping.reasons import Reason
from animl_kedro.pipelines.detection_cropping.rejections import Row, rejected_row
from animl_kedro.places import FileStat
from animl_kedro.progress import track
from animl_kedro.tables import BoxSource

LEDGER_EVERY_S = 60.0
"""How often the ledger is written while crops are made."""


class CropTables(NamedTuple):
    """Rows of `Crops`, `RejectedBoxes` and `OrphanedCrops`, and how many crops and images were treated how.

    ``made`` counts the crops made just now, ``scaled`` those of images that have another size than recorded, and
    ``removed`` the files that were removed from the crop folder.
    """

    crops: list[Row]
    rejected: list[Row]
    orphans: list[Row]
    made: int
    scaled: int
    removed: int


class _Plan(NamedTuple):
    """The crops that are there, by the number of their row, and the work that is left."""

    there: dict[int, Crop | Rejected]
    tasks: list[CropTask]


def make_crops(
    detections: Results,
    images: pd.DataFrame,
    image_files: pd.DataFrame,
    store: ImageFolder,
    crop_folder: ImageFolder,
    params: DetectionCroppingParams,
) -> CropTables:
    """Crop every labelled animal of the detections.

    Returns a row of crops or a row of rejected boxes for every detection, in the order of the results, and a row for
    every file of the crop folder that has become no detection's, unless it is removed: all of them are where the
    parameters say so, and always those of images that show people or vehicles, since they were made before that was
    known, and may show some. One run at a time works on a crop folder.
    """
    settings = params.cropping.checksum()
    with no_garbage_collection():
        rows = [row | {"settings": settings} for row in detection_rows(detections, images, image_files)]
    with alone_in(crop_folder, "cropping"):
        crop_folder.remove_leftovers()
        stats = crop_folder.stats()
        outcomes = _outcomes(rows, stats, store, crop_folder, params)
        crops = {key: outcome for key, outcome in outcomes.items() if isinstance(outcome, Crop)}
        owned = {rows[key]["crop_id"] for key in crops}
        orphans = [path for path in sorted(stats) if path not in owned and CROP_NAME.fullmatch(path)]
        unwanted = _unwanted(orphans, rows, params)
        for crop_id in unwanted:
            crop_folder.remove(crop_id)
    return CropTables(
        crops=[crop_row(rows[key], crops[key].note) for key in sorted(crops)],
        rejected=list(_rejected(rows, outcomes)),
        orphans=[_orphan(crop_id, stats[crop_id]) for crop_id in orphans if crop_id not in unwanted],
        made=sum(crop.made for crop in crops.values()),
        scaled=sum(crop.scaled for crop in crops.values()),
        removed=len(unwanted),
    )


def _outcomes(
    rows: Sequence[Row],
    stats: Mapping[str, FileStat],
    store: ImageFolder,
    crop_folder: ImageFolder,
    params: DetectionCroppingParams,
) -> dict[int, Crop | Rejected]:
    """What becomes of the rows, by their numbers; the ledger tells of all crops that are there at the end."""
    with no_garbage_collection():
        ledger = read_ledger(crop_folder)
        plan = _plan(rows, stats, ledger)
    outcomes = plan.there | _run(plan.tasks, rows, ledger, store, crop_folder, params)
    entries = {
        rows[key]["crop_id"]: Entry(outcome.note, outcome.stat)
        for key, outcome in outcomes.items()
        if isinstance(outcome, Crop)
    }
    if entries != ledger:
        write_ledger(crop_folder, entries)
    return outcomes


def _plan(rows: Sequence[Row], stats: Mapping[str, FileStat], ledger: Mapping[str, Entry]) -> _Plan:
    """Compare the boxes with the ledger and with size and time of the files that are there."""
    there: dict[int, Crop | Rejected] = {}
    tasks: list[CropTask] = []
    for numbered in _by_image(rows):
        of_image = [rows[key] for key in numbered]
        drawn, found = ([row for row in of_image if _is_found(row) is way] for way in (False, True))
        recorded = drawn[0]["recorded_size"] if drawn else None
        others, found_others = (tuple(row["box"] for row in part if not row["is_animal"]) for part in (drawn, found))
        boxes = []
        for key in numbered:
            row = rows[key]
            if not row["is_animal"] or row["label"] is None:
                continue
            fingerprint = fingerprint_of(
                row["image_checksum"], recorded, others + found_others, row["box"], row["settings"]
            )
            stat, entry = stats.get(row["crop_id"]), ledger.get(row["crop_id"])
            if entry and entry.stat == stat and entry.note.fingerprint == fingerprint:
                there[key] = Crop(key, entry.note, entry.stat, made=False)
            else:
                boxes.append(Box(key, row["box"], row["crop_id"], fingerprint, has_file=stat is not None))
        if boxes:
            path, is_found = of_image[0]["image_path"], bool(found)
            tasks.append(CropTask(path, recorded, others, tuple(boxes), found_others, is_found))
    return _Plan(there, tasks)


def _is_found(row: Row) -> bool:
    """Whether a detector found the box, and nobody drew it."""
    return bool(row["box_source"] == BoxSource.DETECTOR)


def _by_image(rows: Sequence[Row]) -> Iterable[list[int]]:
    """The numbers of the rows, together for each image."""
    numbers: dict[str, list[int]] = {}
    for key, row in enumerate(rows):
        numbers.setdefault(row["image_id"], []).append(key)
    return numbers.values()


def _run(
    tasks: Sequence[CropTask],
    rows: Sequence[Row],
    ledger: Mapping[str, Entry],
    store: ImageFolder,
    crop_folder: ImageFolder,
    params: DetectionCroppingParams,
) -> dict[int, Crop | Rejected]:
    """Do the work, and write the ledger now and then, lest a killed run leave much to be read again."""
    outcomes: dict[int, Crop | Rejected] = {}
    entries = dict(ledger)
    written = time.monotonic()
    for outcome in chain.from_iterable(_in_shards(tasks, store, crop_folder, params)):
        outcomes[outcome.key] = outcome
        if isinstance(outcome, Crop):
            entries[rows[outcome.key]["crop_id"]] = Entry(outcome.note, outcome.stat)
        if time.monotonic() - written > LEDGER_EVERY_S:
            write_ledger(crop_folder, entries)
            written = time.monotonic()
    return outcomes


def _in_shards(
    tasks: Sequence[CropTask], store: ImageFolder, crop_folder: ImageFolder, params: DetectionCroppingParams
) -> Iterator[list[Crop | Rejected]]:
    crop = partial(crop_image, store=store, crop_folder=crop_folder, params=params.cropping)
    done = in_shards(crop, tasks, executor=params.executor, processes=params.processes, on_lost=lose)
    return track(done, "cropping images", total=len(tasks))


def _rejected(rows: Sequence[Row], outcomes: Mapping[int, Crop | Rejected]) -> Iterator[Row]:
    """A row for every detection that did not become a crop."""
    for key, row in enumerate(rows):
        outcome = outcomes.get(key)
        if isinstance(outcome, Crop):
            continue
        if isinstance(outcome, Rejected):
            reason, detail = outcome.reason, outcome.detail
        elif row["is_animal"]:
            reason, detail = Reason.NO_LABEL, "the detection has no label"
        else:
            reason, detail = Reason.NOT_AN_ANIMAL, "the box is that of a person, a vehicle or the like"
        yield rejected_row(row["image_id"], row["annotation_id"], row["label"], reason, detail)


def _unwanted(orphans: Sequence[str], rows: Sequence[Row], params: DetectionCroppingParams) -> set[str]:
    """The orphans that do not stay in the folder."""
    show_others = {row["image_path"] for row in rows if not row["is_animal"]}
    return {crop_id for crop_id in orphans if params.remove_orphans or image_of(crop_id) in show_others}


def _orphan(crop_id: str, stat: FileStat) -> Row:
    return {"crop_id": crop_id, "bytes": stat.bytes}
