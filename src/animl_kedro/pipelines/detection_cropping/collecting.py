"""From labels and a detector's findings to one set of MegaDetector results that says where each box came from."""

from collections.abc import Iterable, Iterator
from typing import Any

from animl_kedro.boxes import RelativeBox
from animl_kedro.formats.megadetector import ANIMAL, BOX_DECIMALS, CATEGORIES, FORMAT_VERSION, Results
from animl_kedro.pipelines.detection_cropping.labelled_images import Label, LabelledImage
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams

SOURCE = "annotations"
"""What ``info.detector`` says in results that people made; an entry whose boxes a detector found names it."""

WHOLE_FRAME = RelativeBox(0.0, 0.0, 1.0, 1.0)


def collect(
    images: Iterable[LabelledImage], labels: Iterable[str], detected: Results, params: DetectionCroppingParams
) -> Results:
    """Write every box as a detection, with its label, one of `labels`, as classification.

    Annotated boxes have the confidence 1, or that of the model that suggested the label, and their ``annotation_id``. A
    label without a box becomes what the parameters say: nothing, the whole frame, or the boxes of `detected`, which
    have the detector's confidence, and the image's label where it has one alone. People and vehicles without a box are
    written as boxes of the whole frame, since they may be anywhere in it.
    """
    category_of = {label: str(number) for number, label in enumerate(sorted(labels))}
    detected_of = {entry["file"]: entry for entry in detected["images"]}
    return {
        "info": {"format_version": FORMAT_VERSION, "detector": SOURCE},
        "detection_categories": CATEGORIES | detected["detection_categories"],
        "classification_categories": {number: label for label, number in category_of.items()},
        "images": [_entry(image, category_of, detected_of.get(image.path), params) for image in images],
    }


def wants_detector(image: LabelledImage, params: DetectionCroppingParams) -> bool:
    """Whether a detector must look for this image's boxes: there are none, and all would have the same label."""
    return params.unboxed_labels == "detector" and image.sole_label is not None


def _entry(
    image: LabelledImage, category_of: dict[str, str], found: dict[str, Any] | None, params: DetectionCroppingParams
) -> dict[str, Any]:
    entry: dict[str, Any] = {"file": image.path, "image_id": image.image_id}
    if image.failure:
        return entry | {"failure": image.failure}
    if params.unboxed_labels != "reject" and image.unboxed_animals and not image.sole_label:
        entry["ambiguous_labels"] = sorted({label.label for label in image.unboxed_animals})
    detections = [_annotated(label, label.box or WHOLE_FRAME, category_of) for label in _placed(image, params)]
    if found is None or not wants_detector(image, params):
        return entry | {"detections": detections}
    entry["detector"] = found["detector"]
    if found.get("failure"):
        return entry | {"failure": found["failure"]}
    return entry | {"detections": [*detections, *_detected(found, image.sole_label, category_of, params)]}


def _placed(image: LabelledImage, params: DetectionCroppingParams) -> list[Label]:
    """The labels that have a box, or whose box is the whole frame."""
    framed = params.unboxed_labels == "whole_frame" and image.sole_label
    return [*image.boxed, *image.unboxed_others, *([framed] if framed else [])]


def _annotated(label: Label, box: RelativeBox, category_of: dict[str, str]) -> dict[str, Any]:
    detection = {
        "category": label.category,
        "conf": label.confidence,
        "bbox": [round(side, BOX_DECIMALS) for side in box],
        "classifications": [[category_of[label.label], 1.0]],
        "annotation_id": label.annotation_id,
    }
    return detection if label.box else detection | {"whole_frame": True}


def _detected(
    found: dict[str, Any], label: Label | None, category_of: dict[str, str], params: DetectionCroppingParams
) -> Iterator[dict[str, Any]]:
    """What the detector is sure enough of; its animals have the image's label."""
    for detection in found["detections"]:
        if detection["conf"] < params.detector.confidence_threshold:
            continue
        kept = {name: detection[name] for name in ("category", "conf", "bbox")}
        if label and detection["category"] == ANIMAL:
            kept["classifications"] = [[category_of[label.label], 1.0]]
        yield kept
