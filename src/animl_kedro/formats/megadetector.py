"""The results format of MegaDetector, version 1.6.

Boxes are [left, top, width, height] in fractions of the image, category ids are strings, an image that failed has a
``failure`` and no ``detections``. Ground truth is written in the same format: the label as a
classification with confidence 1, and a detection's confidence 1 for the labels of people.

Source: https://github.com/agentmorris/MegaDetector, "MegaDetector batch output format".
"""

from typing import Any

from animl_kedro.errors import InputError

FORMAT_VERSION = "1.6"
ANIMAL, PERSON, VEHICLE = "1", "2", "3"
CATEGORIES = {ANIMAL: "animal", PERSON: "person", VEHICLE: "vehicle"}
BOX_DECIMALS = 6
"""A millionth of the frame: finer than a hundredth of a pixel, coarser than the noise of floating point."""

UNTOLD = "the results have no detections of it, and do not say why"
"""The failure of an image that has no detections, and none told."""

Results = dict[str, Any]


def check_results(results: Any) -> Results:
    """Give the results back if they are in the format.

    Raises InputError that names the first fault otherwise.
    """
    if fault := _fault_of(results):
        raise InputError(f"not MegaDetector results (format {FORMAT_VERSION}): {fault}")
    return results  # type: ignore[no-any-return]


def in_current_form(results: Results) -> Results:
    """Results of any version of the format in the current one, checked; what others have added to them stays.

    Before 1.6, a failure may be told by absent detections alone, and early results name no categories. Raises
    InputError that names the first fault.
    """
    categories = results.get("detection_categories") or CATEGORIES
    images = [
        image if isinstance(image.get("detections"), list) else image | {"failure": image.get("failure") or UNTOLD}
        for image in results["images"]
    ]
    return check_results(results | {"detection_categories": categories, "images": images})


def _fault_of(results: Any) -> str | None:
    if not isinstance(results, dict) or not isinstance(results.get("images"), list):
        return "expected an object with a list of images"
    if not isinstance(results.get("detection_categories"), dict):
        return "detection_categories are absent"
    for image in results["images"]:
        if not isinstance(image, dict) or not isinstance(image.get("file"), str):
            return f"an image has no file: {str(image)[:100]}"
        if not isinstance(image.get("detections"), list) and not image.get("failure"):
            return f"{image['file']} has neither detections nor a failure"
        if not all(map(is_detection, image.get("detections") or ())):
            return f"{image['file']} has a detection without a box of four fractions and a confidence from 0 to 1"
    return None


def is_detection(detection: Any) -> bool:
    """Whether a detection has a box of four numbers and a confidence from 0 to 1."""
    if not isinstance(detection, dict) or not isinstance(box := detection.get("bbox"), list):
        return False
    numbers = [*box, detection.get("conf")]
    return len(box) == 4 and all(type(number) in (int, float) for number in numbers) and 0 <= detection["conf"] <= 1
