"""MegaDetector results with classifications, and the same as tables."""

from collections.abc import Iterator, Sequence
from typing import Any

from animl_kedro.classifier.classifier import Classifier
from animl_kedro.formats.inference_progress import Found
from animl_kedro.formats.megadetector import FORMAT_VERSION, Results
from animl_kedro.pipelines.inference.classifying import Outcome
from animl_kedro.pipelines.inference.parameters import InferenceParams

EARLIER_CLASSIFIERS = ("classification_categories", "classification_category_descriptions")
"""What results tell of classifications, which are replaced."""


def with_classifications(
    detections: Results, outcomes: Sequence[Outcome], classifier: Classifier, params: InferenceParams
) -> Results:
    """The results with the classifications of an outcome an image; all else in them stays.

    Of a detection that was classified, ``classifications`` are [id of the label, probability], the likeliest first; of
    others there are none, also where another classifier had left some. An image that failed has a ``failure``, and no
    detections.
    """
    kept = {name: value for name, value in detections.items() if name not in EARLIER_CLASSIFIERS}
    told = {"format_version": FORMAT_VERSION, "classifier": f"animl-kedro {classifier.backbone} {classifier.checksum}"}
    return kept | {
        "info": (detections.get("info") or {}) | told,
        "classification_categories": {str(number): label for number, label in enumerate(classifier.labels)},
        "images": [
            _image(entry, outcome, params.classification_threshold)
            for entry, outcome in zip(detections["images"], outcomes, strict=True)
        ],
    }


def table_rows(results: Results) -> list[tuple[Any, ...]]:
    """The rows of `InferenceTable`, one a detection."""
    categories, labels = results["detection_categories"], results["classification_categories"]
    return [
        (
            image["file"],
            number,
            categories.get(str(detection.get("category")), str(detection.get("category"))),
            detection["conf"],
            *detection["bbox"],
            *_best(detection, labels),
        )
        for image in results["images"]
        for number, detection in enumerate(image.get("detections") or ())
    ]


def failure_rows(results: Results) -> list[tuple[str, str]]:
    """The rows of `InferenceFailures`, one an image that failed."""
    return [(image["file"], image["failure"]) for image in results["images"] if image.get("failure")]


def _image(entry: Results, outcome: Outcome, threshold: float) -> Results:
    if isinstance(outcome, str):
        return {name: value for name, value in entry.items() if name != "detections"} | {"failure": outcome}
    return entry | {"detections": list(_detections(entry["detections"], outcome, threshold))}


def _detections(detections: Sequence[Results], found: Found, threshold: float) -> Iterator[Results]:
    for number, detection in enumerate(detections):
        kept = {name: value for name, value in detection.items() if name != "classifications"}
        if number in found:
            likely = [[str(label), share] for label, share in enumerate(found[number]) if share >= threshold]
            kept["classifications"] = sorted(likely, key=lambda classification: -classification[1])
        yield kept


def _best(detection: Results, labels: dict[str, str]) -> tuple[str | None, float | None]:
    classifications = detection.get("classifications")
    return (labels[classifications[0][0]], classifications[0][1]) if classifications else (None, None)
