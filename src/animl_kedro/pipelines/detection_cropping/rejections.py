"""Rows of what did not become a crop."""

from collections.abc import Iterable, Set
from typing import Any

import pandas as pd

from animl_kedro.formats.coco_camera_traps import EMPTY_LABEL
from animl_kedro.formats.megadetector import Results
from animl_kedro.pipelines.detection_cropping.reasons import Reason

Row = dict[str, Any]


def labels_without_crop(
    images: pd.DataFrame, annotations: pd.DataFrame, image_files: pd.DataFrame, results: Results
) -> list[Row]:
    """Rows of rejected boxes for the labels that no detection stands for, and for images without any label."""
    entry_of = {entry["image_id"]: entry for entry in results["images"] if "image_id" in entry}
    standing = _labels_that_stand(results, set(image_files["path"].dropna()))
    all_labels = images[["image_id"]].merge(annotations, on="image_id", how="left")
    files = image_files[["image_id", "path", "error"]]
    rows: Iterable[Any] = all_labels.merge(files, on="image_id", how="left").itertuples()
    rejected = []
    for row in rows:
        if row.annotation_id in standing or (row.image_id, row.label) in standing:
            continue
        reason, detail = _fault(row, entry_of.get(row.image_id))
        rejected.append(rejected_row(row.image_id, row.annotation_id, row.label, reason, detail))
    return sorted(rejected, key=lambda row: (row["image_id"], row["annotation_id"] or ""))


def rejected_row(image_id: str, annotation_id: Any, label: Any, reason: Reason, detail: str) -> Row:
    """A row of `RejectedBoxes`."""
    known = (None if pd.isna(value) else value for value in (annotation_id, label))
    return dict(zip(("image_id", "annotation_id", "label"), (image_id, *known), strict=True)) | {
        "reason": reason,
        "detail": detail,
    }


def _labels_that_stand(results: Results, present: Set[str]) -> set[Any]:
    """The ids of the annotations in the results, and image and label where a box stands for all labels of an image.

    What the results tell of files that are not `present` any more stands for nothing: no crop is tried of them.
    """
    labels = results.get("classification_categories", {})
    standing: set[Any] = set()
    for entry in results["images"]:
        for detection in (entry["file"] in present and entry.get("detections")) or ():
            if "annotation_id" in detection:
                standing.add(detection["annotation_id"])
            if detection.get("whole_frame") or "annotation_id" not in detection:
                standing |= {
                    (entry.get("image_id"), labels.get(name)) for name, _ in detection.get("classifications", ())
                }
    return standing


def _fault(row: Any, entry: dict[str, Any] | None) -> tuple[Reason, str]:
    """Why no detection stands for a label."""
    if pd.isna(row.path):
        return Reason.NO_FILE, f"the image has no file: {row.error}"
    if pd.isna(row.label):
        return Reason.NO_LABEL, "the image has no label that was kept: see rejected_records"
    if row.label == EMPTY_LABEL:
        return Reason.EMPTY, "the image is labelled as empty"
    if entry is None:
        return Reason.NOT_COLLECTED, "the detections do not know the image: run collect_detections again"
    return _fault_of_entry(entry)


def _fault_of_entry(entry: dict[str, Any]) -> tuple[Reason, str]:
    """Why an image has no detection for a label of its own."""
    if entry.get("failure"):
        return Reason.UNREADABLE_IMAGE, entry["failure"]
    if entry.get("ambiguous_labels"):
        return Reason.AMBIGUOUS_LABEL, f"no label has a box, and there are several: {entry['ambiguous_labels']}"
    if entry.get("detector"):
        return Reason.NOT_DETECTED, f"the label has no box, and MegaDetector {entry['detector']} found no animal"
    return Reason.NO_BOX, "the label has no box, or that of the whole frame"
