"""The rows of detections, and what becomes of them: rows of crops."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pandas as pd

from animl_kedro.boxes import RelativeBox
from animl_kedro.formats.megadetector import ANIMAL, Results
from animl_kedro.pipelines.detection_cropping.crop_files import Note, crop_id_of
from animl_kedro.pipelines.detection_cropping.rejections import Row
from animl_kedro.tables import BoxSource, Crops


@cache
def _columns() -> tuple[str, ...]:
    """The columns of `Crops`; making a schema takes a second where Dask is installed, which not every command needs."""
    return tuple(Crops.to_schema().columns)


def detection_rows(detections: Results, images: pd.DataFrame, image_files: pd.DataFrame) -> Iterator[Row]:
    """One row a detection, with all that its crop's row tells of its origin, in the order of the results.

    Images that are not in the tables, or have no file, are left out.
    """
    labels = detections.get("classification_categories", {})
    files = image_files.dropna(subset=["path"])[["image_id", "path", "checksum"]]
    known: Iterable[Any] = images.merge(files, on="image_id").itertuples()
    image_of = {image.path: image for image in known}
    for entry in detections["images"]:
        image = image_of.get(entry["file"])
        if image is None:
            continue
        origin = _origin_of(image)
        for number, detection in enumerate(entry.get("detections") or ()):
            yield origin | _box_of(detection, entry, number, labels)


def crop_row(row: Row, note: Note) -> Row:
    """The row of `Crops` of a detection whose crop is in place."""
    relative = note.box.relative_to(*note.image_size)
    kept = {name: row[name] for name in _columns() if name in row}
    return kept | {
        **{f"box_{side}": value for side, value in note.box._asdict().items()},
        **{f"relative_{side}": value for side, value in relative._asdict().items()},
        "width": note.size[0],
        "height": note.size[1],
    }


def _origin_of(image: Any) -> Row:
    return {
        "dataset": image.dataset,
        "image_id": image.image_id,
        "image_path": image.path,
        "image_checksum": image.checksum,
        "recorded_size": None if pd.isna(image.width) else (int(image.width), int(image.height)),
        "location": image.location,
        "sequence_id": image.sequence_id,
        "datetime": image.datetime,
    }


def _box_of(detection: dict[str, Any], entry: dict[str, Any], number: int, labels: dict[str, str]) -> Row:
    is_detected = "annotation_id" not in detection
    detector = entry.get("detector") if is_detected else None
    classifications = detection.get("classifications") or [[None, 0.0]]
    annotated = BoxSource.WHOLE_FRAME if detection.get("whole_frame") else BoxSource.ANNOTATION
    return {
        "crop_id": crop_id_of(entry["file"], number, detector),
        "annotation_id": detection.get("annotation_id"),
        "label": labels.get(classifications[0][0]),
        "box_source": BoxSource.DETECTOR if is_detected else annotated,
        "detector": detector,
        "confidence": detection["conf"],
        "box": RelativeBox(*detection["bbox"]),
        "is_animal": detection.get("category", ANIMAL) == ANIMAL,
    }
