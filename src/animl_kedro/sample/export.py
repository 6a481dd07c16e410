"""The sample island's export, written as Animl writes its own: COCO Camera Traps, one annotation a label."""

import datetime as dt
import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from animl_kedro.boxes import PixelBox
from animl_kedro.sample.animals import Species
from animl_kedro.sample.island import Island
from animl_kedro.sample.visits import Photograph

PROJECT = "sample_island"

CATEGORIES = ("empty", "person", "fox", "bird", "vehicle", "rodent", "skunk", "boar", "lizard")
"""Every label of the project, used or not; its place here is its id."""

REVIEWER = "reviewer@example.org"

SUMMER_TIME = (dt.datetime(2024, 3, 10, 2), dt.datetime(2024, 11, 3, 2))

Boxes = Mapping[int, tuple[PixelBox | None, ...]]
"""For a photograph's index, the box of each of its animals, None where nothing of it can be seen."""


def make_export(island: Island, boxes: Boxes) -> dict[str, Any]:
    """The export of an island of which these boxes were drawn, ready for JSON."""
    return {
        "images": list(_images(island)),
        "annotations": [record for photo in island.photographs for record in _annotations(island, photo, boxes)],
        "categories": [{"id": number, "name": name} for number, name in enumerate(CATEGORIES)],
        "info": {
            "version": "1.0",
            "description": "Sample island: drawn camera-trap photographs, exported as by Animl",
            "year": 2024,
            "date_created": "2024-12-01T00:00:00.000Z",
        },
    }


def archive_key(seed: int, index: int) -> str:
    """The key of a photograph in the archive, and its path in the archive's folder."""
    return f"original/{PROJECT}:{_digest(seed, index)}-original.jpg"


def _digest(*parts: int) -> str:
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()


def _image_id(island: Island, photo: Photograph) -> str:
    return f"{PROJECT}:{_digest(island.seed, photo.index)}"


def _images(island: Island) -> Iterator[dict[str, Any]]:
    """One record a photograph; a camera numbers its own files, so that original names repeat."""
    taken: Counter[int] = Counter()
    for photo in island.photographs:
        location = photo.location
        taken[location.index] += 1
        name = f"{PROJECT}-{_digest(island.seed, photo.index)}.jpg"
        record: dict[str, Any] = {
            "id": _image_id(island, photo),
            "file_name": f"{PROJECT}/{location.camera}/{location.slug}/{name}",
            "original_file_name": f"IMG_{taken[location.index]:04d}.JPG",
            "serving_bucket_key": archive_key(island.seed, photo.index),
            "datetime": None if photo.index in island.flaws.undated else _with_zone(photo.taken),
            "location": location.name,
        }
        if photo.index not in island.flaws.unmeasured:
            record |= {"width": location.size[0], "height": location.size[1]}
        yield record


def _with_zone(taken: dt.datetime) -> str:
    """ISO 8601 with the zone of California, whose summer time ended in November."""
    summer = SUMMER_TIME[0] <= taken < SUMMER_TIME[1]
    return taken.replace(tzinfo=dt.timezone(dt.timedelta(hours=-7 if summer else -8))).isoformat(
        timespec="milliseconds"
    )


def _annotations(island: Island, photo: Photograph, boxes: Boxes) -> Iterator[dict[str, Any]]:
    """One record an animal that can be seen, or one "empty" over the whole frame."""
    pairs = zip(photo.animals, boxes[photo.index], strict=True)
    found = [(str(animal.species), rounded(box)) for animal, box in pairs if box is not None]
    for number, (label, box) in enumerate(found or [("empty", [0, 0, *photo.location.size])]):
        record = {
            "id": _digest(island.seed, photo.index, number)[:24],
            "image_id": _image_id(island, photo),
            "category_id": CATEGORIES.index(label),
            "sequence_level_annotation": False,
            "bbox": box,
            "confidence": None,
            "validated": True,
            "validated_by": REVIEWER,
        }
        if photo.index in island.flaws.unreviewed:
            record |= _suggestion(photo.index, label)
        yield record


def _suggestion(index: int, label: str) -> dict[str, Any]:
    """What a model says and nobody has looked at: now and then it is wrong."""
    wrong = index % 4 == 0
    return {
        "category_id": CATEGORIES.index(Species.SKUNK if wrong else label),
        "confidence": round((0.5 if wrong else 0.7) + index % 29 / 100, 2),
        "validated": False,
        "validated_by": None,
    }


def rounded(box: PixelBox) -> list[int]:
    """Whole pixels as Animl rounds them: each number by itself, halves upwards, so that a box may overhang by one."""
    return [math.floor(number + 0.5) for number in box]
