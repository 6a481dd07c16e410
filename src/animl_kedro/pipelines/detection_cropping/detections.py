"""What detectors found, brought to one form: the current format, our categories, boxes inside the frame."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from animl_kedro.boxes import RelativeBox
from animl_kedro.errors import InputError
from animl_kedro.files import portable
from animl_kedro.formats.megadetector import BOX_DECIMALS, CATEGORIES, Results, is_detection

Entry = dict[str, Any]
"""``detections`` of an image, or a ``failure``; in a cache, also the ``file`` and its ``checksum``."""

UNTOLD_FAILURE = "the results have no detections of it, and do not say why"


class Categories:
    """The categories of detections by their names: MegaDetector's three, and others as they come.

    Detectors number them as they like; here "1" is an animal, "2" a person and "3" a vehicle in all results.
    """

    def __init__(self) -> None:
        self.names = dict(CATEGORIES)
        self._id_of = {name: number for number, name in CATEGORIES.items()}

    def id_of(self, name: str) -> str:
        """The id of a category, which is new where the name is."""
        name = name.strip().lower()
        if name not in self._id_of:
            number = str(len(self.names) + 1)
            self.names[number], self._id_of[name] = name, number
        return self._id_of[name]

    def ids_of(self, results: Results) -> dict[str, str]:
        """Our id for every category's id of these results. Results that name no categories have MegaDetector's."""
        names: Mapping[Any, Any] = results.get("detection_categories") or CATEGORIES
        return {str(number): self.id_of(str(name)) for number, name in names.items()}


def entries_of(results: Results, names: Collection[str], categories: Categories) -> Iterator[tuple[str, Entry]]:
    """Give the entries of the images that are called so in a data set, in the current form, the first of each name.

    The results may be of any version of the format, and their paths may have backslashes or characters that a file's
    name cannot have everywhere. Classifications are not taken over. Raises InputError where a detection is none.
    """
    ids = categories.ids_of(results)
    missing = set(names)
    for entry in results["images"]:
        name = portable(entry["file"].replace("\\", "/").removeprefix("./"))
        if name in missing:
            missing.remove(name)
            yield name, _in_current_form(entry, ids)


def clean_detections(detections: list[Any], ids: Mapping[str, str], file: str) -> list[dict[str, Any]]:
    """Detections with our categories and boxes that lie inside the frame, to a millionth of it.

    Left out are those whose category has no name, which the format holds for none, and boxes without an area inside
    the frame. Raises InputError where a detection is none.
    """
    if faulty := [detection for detection in detections if not is_detection(detection)]:
        raise InputError(
            f"The results of {file} have a detection without a box of four fractions and a confidence from 0 to 1: "
            f"{str(faulty[0])[:100]}."
        )
    cleaned = (
        {"category": ids[category], "conf": detection["conf"], "bbox": _inside(detection["bbox"])}
        for detection in detections
        if (category := str(detection.get("category"))) in ids
    )
    return [detection for detection in cleaned if all(side > 0 for side in detection["bbox"][2:])]


def _in_current_form(entry: Entry, ids: Mapping[str, str]) -> Entry:
    """An entry of any version: before 1.6, a failure may be told by absent detections alone."""
    detections = entry.get("detections")
    if entry.get("failure") or not isinstance(detections, list):
        return {"failure": str(entry.get("failure") or UNTOLD_FAILURE)}
    return {"detections": clean_detections(detections, ids, entry["file"])}


def _inside(sides: list[float]) -> list[float]:
    """A box's part inside the frame, rounded."""
    box = RelativeBox(*sides)
    left, top = max(box.left, 0.0), max(box.top, 0.0)
    right, bottom = min(box.left + box.width, 1.0), min(box.top + box.height, 1.0)
    return [round(side, BOX_DECIMALS) for side in (left, top, right - left, bottom - top)]
