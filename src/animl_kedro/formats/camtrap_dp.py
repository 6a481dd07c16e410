"""Camtrap DP, the exchange format of Agouti, TRAPPER, Wildlife Insights and GBIF, as records of COCO Camera Traps.

Source: https://camtrap-dp.tdwg.org, "Data", versions 1.0, 1.0.1 and 1.0.2. Events and media belong together as in the R
package of the standard's authors: https://inbo.github.io/camtrapdp, `read_camtrapdp`, "Events".
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import orjson

from animl_kedro.formats.camtrap_dp_tables import Deployment, Medium, Observation, open_package
from animl_kedro.formats.coco_camera_traps import EMPTY_LABEL, CctExport
from animl_kedro.formats.unpacking import MAX_BYTES

EMPTY_ID = "0"
"""The category of images without an animal, as in Animl's exports."""

URL = re.compile(r"https?://[^/?#]*/*(?P<path>[^?#]*).*|(s3|gs)://[^/]*/*(?P<key>.*)", re.IGNORECASE | re.DOTALL)
"""Only a web address has a query: in a bucket, ? and # are part of a file's name."""

UNTOLD = ("", "unknown", "unclassified")
"""Types of observations that say nothing of what was seen."""

SIZE_TAGS = (
    ("ExifImageWidth", "ExifImageHeight"),
    ("ImageWidth", "ImageHeight"),
    ("PixelXDimension", "PixelYDimension"),
)

QUARTER_TURN = re.compile(r"[5-8]|.*\b(90|270)\b.*")
"""An EXIF orientation, as its number or in ExifTool's words, that makes the upright image's width its height."""

Record = dict[str, Any]
Timelines = Mapping[tuple[str, bool], tuple[Sequence[datetime], tuple[str, ...]]]


def read_camtrap_dp(read: Callable[[str], bytes], name: str, max_bytes: int = MAX_BYTES) -> CctExport:
    """Read a Camtrap DP package into the records that an export in COCO Camera Traps has, still unchecked.

    `read` gives the bytes of a file of the package by its relative path, or raises FileNotFoundError; `name` is what
    error messages call the package. Every medium is an image, and every observation at least one annotation; boxes are
    `bbox_relative`: left, top, width, height in fractions of the medium. Raises InputError where the package has no
    datapackage.json, or lacks one of its three tables or a column of these, or where a file is not CSV in UTF-8, or
    unpacks to more than `max_bytes`.
    """
    package = open_package(read, name, max_bytes)
    places = {row.deployment_id: _place(row) for row in package.rows("deployments", Deployment)}
    media = list(package.rows("media", Medium))
    observations = list(package.rows("observations", Observation))
    timelines = _timelines(media)
    covered = [_media_of(observation, timelines) for observation in observations]
    events = _event_ids(observations, covered)
    categories = _category_ids(observations)
    return CctExport(
        images=[_image(medium, places, events.get(medium.media_id)) for medium in media],
        annotations=list(_annotations(observations, covered, categories)),
        categories=[{"id": category_id, "name": label} for label, category_id in categories.items()],
        info=package.info,
    )


def _place(deployment: Deployment) -> str:
    """A deployment is a camera's stay: those at one place must share their location, or a split would divide it."""
    return deployment.location_id or deployment.location_name or deployment.deployment_id


def _image(medium: Medium, places: Mapping[str, str], event_id: str | None) -> Record:
    deployment = medium.deployment_id or None
    kind = medium.file_mediatype
    return {
        "id": medium.media_id,
        "file_name": _file_name(medium.file_path),
        "filePath": medium.file_path,
        "fileName": medium.file_name,
        "original_file_name": medium.file_name or None,
        "datetime": medium.timestamp or None,
        "location": places.get(medium.deployment_id) or deployment,
        "deployment": deployment,
        "deploymentID": deployment,
        # the standard calls an eventID the event's identifier, but not unique, as it calls those of media, and events
        # are within a deployment: "sequence1", its own example, may be in each
        "seq_id": f"{medium.deployment_id}/{event_id}" if event_id else None,
        "fileMediatype": kind,
        **({} if not kind or kind.lower().startswith("image/") else {"media_type": kind}),
        **_size(medium.exif_data),
    }


def _file_name(file_path: str) -> str:
    """A path within the package as it is, and of a URL the path, which begins after the host or the bucket."""
    url = URL.fullmatch(file_path)
    return unquote(url["path"] or url["key"] or "") if url else file_path


def _size(exif_data: str) -> Record:
    """The width and the height of the upright image, where EXIF data tell them, as they are or in groups."""
    try:
        exif = orjson.loads(exif_data) if exif_data else None
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(exif, dict):
        return {}
    groups = [exif, *(group for group in exif.values() if isinstance(group, dict))]
    for width_tag, height_tag in SIZE_TAGS:
        for group in groups:
            width, height = group.get(width_tag), group.get(height_tag)
            if _is_number(width) and _is_number(height):
                turned = any(QUARTER_TURN.fullmatch(str(group.get("Orientation"))) for group in groups)
                return {"width": height, "height": width} if turned else {"width": width, "height": height}
    return {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_of_event(observation: Observation) -> bool:
    return observation.observation_level == "event"


def _is_by_a_person(observation: Observation) -> bool:
    return observation.classification_method in ("human", "")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _timelines(media: Sequence[Medium]) -> Timelines:
    """The media of each deployment by time; those without a zone apart, as nothing tells which moments they are."""
    found: defaultdict[tuple[str, bool], list[tuple[datetime, str]]] = defaultdict(list)
    for medium in media:
        moment = _moment(medium.timestamp)
        if moment is not None and medium.media_id:
            found[medium.deployment_id, moment.tzinfo is None].append((moment, medium.media_id))
    for timeline in found.values():
        timeline.sort()
    return {key: ([at for at, _ in timeline], tuple(name for _, name in timeline)) for key, timeline in found.items()}


def _media_of(observation: Observation, timelines: Timelines) -> tuple[str, ...]:
    """The medium that an observation names, or those from the start to the end of its event."""
    if observation.media_id:
        return (observation.media_id,)
    start, end = _moment(observation.event_start), _moment(observation.event_end)
    if not _is_of_event(observation) or not start or not end or (start.tzinfo is None) != (end.tzinfo is None):
        return ()
    moments, media_ids = timelines.get((observation.deployment_id, start.tzinfo is None), ((), ()))
    return media_ids[bisect_left(moments, start) : bisect_right(moments, end)]


def _event_ids(observations: Sequence[Observation], covered: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """The event of each medium: that of its own observations, or the one it lies in; empty where there are several."""
    own: dict[str, str] = {}
    around: dict[str, str] = {}
    for observation, media_ids in zip(observations, covered, strict=True):
        event_id = observation.event_id
        found = around if _is_of_event(observation) else own
        for media_id in media_ids if event_id else ():
            if found.setdefault(media_id, event_id) != event_id:
                found[media_id] = ""
    return around | own


def _label(observation: Observation) -> str:
    kind = observation.observation_type
    if kind == "animal":
        return observation.scientific_name or kind
    return EMPTY_LABEL if kind == "blank" else kind


def _category_ids(observations: Sequence[Observation]) -> dict[str, str]:
    """An id for each label, by the order of the labels; an observation without a type has none."""
    labels = sorted(set(map(_label, observations)) - {EMPTY_LABEL, ""})
    return {EMPTY_LABEL: EMPTY_ID} | {label: str(number) for number, label in enumerate(labels, 1)}


def _annotations(
    observations: Sequence[Observation], covered: Sequence[tuple[str, ...]], categories: Mapping[str, str]
) -> Iterator[Record]:
    """An annotation for each observation and medium, and one without an image where an observation has no medium.

    An event's observation stands for the media that have none of their own, as those tell more of a medium; only that
    a machine's, and what nobody could classify, does not take the place of what a person said of the event.
    `superseded` is one that is without an image for that alone.
    """
    own = [row for row in observations if not _is_of_event(row)]
    told = {row.media_id for row in own}
    told_by_people = {row.media_id for row in own if _is_by_a_person(row) and row.observation_type not in UNTOLD}
    for observation, media_ids in zip(observations, covered, strict=True):
        record = _annotation(observation, categories)
        if observation.media_id:
            yield record
            continue
        better = told_by_people if _is_by_a_person(observation) else told
        reached = [media_id for media_id in media_ids if media_id not in better]
        for media_id in reached:
            yield record | {"id": f"{observation.observation_id}/{media_id}", "image_id": media_id}
        if not reached:
            yield record | ({"superseded": True} if media_ids else {})


def _annotation(observation: Observation, categories: Mapping[str, str]) -> Record:
    validated = _is_by_a_person(observation)
    probability = _number(observation.classification_probability)
    return {
        "id": observation.observation_id,
        "image_id": observation.media_id or None,
        "category_id": categories.get(_label(observation)),
        "sequence_level_annotation": _is_of_event(observation),
        # a box is one on the medium that the observation names: it is not one on all media of an event
        "bbox_relative": _box(observation) if observation.media_id else None,
        "validated": validated,
        "validated_by": observation.classified_by or None,
        "confidence": probability if isinstance(probability, float) and not validated else None,
    }


def _box(observation: Observation) -> list[float | str] | None:
    cells = (observation.bbox_x, observation.bbox_y, observation.bbox_width, observation.bbox_height)
    return [_number(cell) for cell in cells] if any(cells) else None


def _number(text: str) -> float | str:
    """The number in a cell, or the cell's text where there is none, so that a check can tell what is wrong with it."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
