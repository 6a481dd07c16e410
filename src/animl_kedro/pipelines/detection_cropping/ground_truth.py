"""From the labels of an export to MegaDetector results that mark ground truth."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import pandas as pd

from animl_kedro.boxes import PixelBox, RelativeBox
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.formats.coco_camera_traps import EMPTY_LABEL
from animl_kedro.formats.megadetector import ANIMAL, BOX_DECIMALS, CATEGORIES, FORMAT_VERSION, Results
from animl_kedro.images import UnreadableImageError, size_of
from animl_kedro.tables import BoxUnit

SOURCE = "annotations"
"""What ``info.detector`` says in results that people made."""


class Reason(StrEnum):
    """Why an image, or a label of it, has no box to crop."""

    NO_FILE = "no_file"
    NO_LABEL = "no_label"
    NO_BOX = "no_box"
    EMPTY = "empty"
    UNREADABLE_IMAGE = "unreadable_image"


def ground_truth_results(
    images: pd.DataFrame, annotations: pd.DataFrame, image_files: pd.DataFrame, store: ImageFolder
) -> Results:
    """Write every annotated box, one an animal, as a detection with its label as classification.

    The confidence is 1 for the labels of people, and that of the model for its suggestions.

    Images are those with a file, in the order of the table. Boxes are fractions of the size that the export recorded;
    where it recorded none, of the file's own.
    """
    labels = sorted(annotations["label"].unique())
    category_of = {label: str(number) for number, label in enumerate(labels)}
    boxes = annotations.dropna(subset="box_left").sort_values("annotation_id")
    boxes_of = {image_id: list(group.itertuples()) for image_id, group in boxes.groupby("image_id")}
    present = images.merge(image_files.dropna(subset=["path"])[["image_id", "path"]], on="image_id")
    return {
        "info": {"format_version": FORMAT_VERSION, "detector": SOURCE},
        "detection_categories": CATEGORIES,
        "classification_categories": {number: label for label, number in category_of.items()},
        "images": list(_entries(present, boxes_of, category_of, store)),
    }


def _entries(
    images: pd.DataFrame, boxes_of: dict[Any, list[Any]], category_of: dict[str, str], store: ImageFolder
) -> Iterator[dict[str, Any]]:
    rows: Iterable[Any] = images.itertuples()
    for image in rows:
        entry = {"file": image.path, "image_id": image.image_id}
        boxes = boxes_of.get(image.image_id, [])
        try:
            recorded = (image.width, image.height)
            needed = pd.isna(image.width) and any(box.box_unit == BoxUnit.PIXEL for box in boxes)
            width, height = size_of(store.path_of(image.path)) if needed else recorded
        except UnreadableImageError as error:
            yield entry | {"failure": str(error)}
            continue
        yield entry | {"detections": [_detection(box, width, height, category_of) for box in boxes]}


def _detection(box: Any, width: int, height: int, category_of: dict[str, str]) -> dict[str, Any]:
    sides = (box.box_left, box.box_top, box.box_width, box.box_height)
    relative = RelativeBox(*sides) if box.box_unit == BoxUnit.FRACTION else PixelBox(*sides).relative_to(width, height)
    return {
        "category": ANIMAL,
        "conf": 1.0 if pd.isna(box.confidence) else float(box.confidence),
        "bbox": [round(float(side), BOX_DECIMALS) for side in relative],
        "classifications": [[category_of[box.label], 1.0]],
        "annotation_id": box.annotation_id,
    }


def images_without_boxes(
    images: pd.DataFrame, annotations: pd.DataFrame, image_files: pd.DataFrame, results: Results
) -> list[dict[str, Any]]:
    """Rows of rejected boxes for all that can have no crop.

    These are the labels of an image without a file, or with one that failed according to the results, labels without a
    box, and images that nobody has labelled.
    """
    failures = {entry["file"]: entry["failure"] for entry in results["images"] if entry.get("failure")}
    all_labels = images[["image_id"]].merge(annotations, on="image_id", how="left")
    labels = all_labels.merge(image_files[["image_id", "path", "error"]], on="image_id", how="left")
    labels["failure"] = labels["path"].map(failures)
    return [row for row in map(_without_box, labels.sort_values(["image_id", "annotation_id"]).itertuples()) if row]


def _without_box(row: Any) -> dict[str, Any] | None:
    if pd.isna(row.path):
        reason, detail = Reason.NO_FILE, f"the image has no file: {row.error}"
    elif pd.isna(row.label):
        reason, detail = Reason.NO_LABEL, "the image has no label that was kept: see rejected_records"
    elif row.label == EMPTY_LABEL:
        reason, detail = Reason.EMPTY, "the image is labelled as empty"
    elif pd.isna(row.box_left):
        reason, detail = Reason.NO_BOX, "the label has no box"
    elif not pd.isna(row.failure):
        reason, detail = Reason.UNREADABLE_IMAGE, row.failure
    else:
        return None
    annotation_id, label = (None if pd.isna(value) else value for value in (row.annotation_id, row.label))
    return {
        "image_id": row.image_id,
        "annotation_id": annotation_id,
        "label": label,
        "reason": reason,
        "detail": detail,
    }
