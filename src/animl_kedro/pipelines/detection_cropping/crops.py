"""From detections to the table of crops: which boxes are cropped, under which name, by several processes."""

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import pandas as pd

from animl_kedro.boxes import RelativeBox
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.formats.megadetector import Results
from animl_kedro.pipelines.detection_cropping.cropping import Box, Crop, CropTask, Rejected, crop_image
from animl_kedro.pipelines.detection_cropping.ground_truth import Reason
from animl_kedro.pipelines.detection_cropping.parameters import CroppingParams, DetectionCroppingParams
from animl_kedro.progress import track
from animl_kedro.tables import BoxSource, Crops

Row = dict[str, Any]

FEW_IMAGES = 64
"""Below this, starting processes takes longer than cropping."""


@dataclass(frozen=True)
class CropTables:
    """Rows of `Crops` and `RejectedBoxes`, and how many of the crops were made just now."""

    crops: list[Row]
    rejected: list[Row]
    made: int


def make_crops(
    detections: Results,
    images: pd.DataFrame,
    image_files: pd.DataFrame,
    store: ImageFolder,
    crop_folder: ImageFolder,
    params: DetectionCroppingParams,
) -> CropTables:
    """Crop every labelled animal of the detections.

    Returns a row of crops or a row of rejected boxes for every detection, in the order of the results.
    """
    every_box = list(_box_rows(detections, images, image_files, params.cropping))
    rows = [row for row in every_box if row["label"] is not None]
    unlabelled = [row for row in every_box if row["label"] is None]
    tasks = _tasks(rows, images, store, crop_folder)
    outcomes = sorted(chain.from_iterable(_run(tasks, params)), key=lambda outcome: outcome.key)
    made = [outcome for outcome in outcomes if isinstance(outcome, Crop)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
    return CropTables(
        crops=[_crop_row(rows[crop.key], crop) for crop in made],
        rejected=[
            *(_rejected_row(rows[rejected.key], rejected.reason, rejected.detail) for rejected in refused),
            *(_rejected_row(row, Reason.NO_LABEL, "the detection has no label") for row in unlabelled),
        ],
        made=sum(crop.made for crop in made),
    )


def _box_rows(
    detections: Results, images: pd.DataFrame, image_files: pd.DataFrame, params: CroppingParams
) -> Iterator[Row]:
    """One row a detection, with all that its crop's row tells of its origin."""
    labels = detections.get("classification_categories", {})
    settings = params.checksum()
    known = images.merge(image_files.dropna(subset=["path"])[["image_id", "path", "checksum"]], on="image_id")
    with_file: Iterable[Any] = known.itertuples()
    image_of = {image.path: image for image in with_file}
    for entry in detections["images"]:
        if entry["file"] not in image_of:
            continue
        image = image_of[entry["file"]]
        for number, detection in enumerate(entry.get("detections") or ()):
            classifications = detection.get("classifications") or [[None, 0.0]]
            yield {
                "crop_id": f"{entry['file']}___crop{number:02d}.jpg",
                "dataset": image.dataset,
                "image_id": image.image_id,
                "image_path": image.path,
                "image_checksum": image.checksum,
                "annotation_id": detection.get("annotation_id"),
                "location": image.location,
                "sequence_id": image.sequence_id,
                "datetime": image.datetime,
                "label": labels.get(classifications[0][0]),
                "box_source": BoxSource.ANNOTATION if "annotation_id" in detection else BoxSource.DETECTOR,
                "confidence": detection["conf"],
                "box": RelativeBox(*detection["bbox"]),
                "settings": settings,
            }


def _tasks(rows: list[Row], images: pd.DataFrame, store: ImageFolder, crop_folder: ImageFolder) -> list[CropTask]:
    boxes_of: dict[str, list[Box]] = {}
    for key, row in enumerate(rows):
        box = Box(key, row["box"], crop_folder.path_of(row["crop_id"]))
        boxes_of.setdefault(row["image_id"], []).append(box)
    sizes = dict(zip(images["image_id"], zip(images["width"], images["height"], strict=True), strict=True))
    tasks = []
    for image_id, boxes in boxes_of.items():
        row = rows[boxes[0].key]
        width, height = sizes[image_id]
        recorded = None if pd.isna(width) else (int(width), int(height))
        tasks.append(CropTask(store.path_of(row["image_path"]), row["image_checksum"], recorded, tuple(boxes)))
    return tasks


def _run(tasks: list[CropTask], params: DetectionCroppingParams) -> Iterator[list[Crop | Rejected]]:
    crop = partial(crop_image, params=params.cropping)
    processes = params.processes or os.cpu_count() or 1
    if processes == 1 or len(tasks) < FEW_IMAGES:
        yield from track(map(crop, tasks), "cropping images", total=len(tasks))
        return
    # A forked process would inherit locks that the threads of other libraries hold.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from track(pool.map(crop, tasks, chunksize=8), "cropping images", total=len(tasks))


def _crop_row(row: Row, crop: Crop) -> Row:
    relative = crop.box.relative_to(*crop.image_size)
    kept = {name: row[name] for name in Crops.to_schema().columns if name in row}
    return kept | {
        **{f"box_{side}": getattr(crop.box, side) for side in crop.box._fields},
        **{f"relative_{side}": getattr(relative, side) for side in relative._fields},
        "width": crop.size[0],
        "height": crop.size[1],
    }


def _rejected_row(row: Row, reason: str, detail: str) -> Row:
    kept = {name: row[name] for name in ("image_id", "annotation_id", "label")}
    return kept | {"reason": reason, "detail": detail}
