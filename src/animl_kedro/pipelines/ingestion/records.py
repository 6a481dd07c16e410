"""From the raw records of an export to tables: a record is kept, repaired or rejected with a reason, never lost."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from typing import Any, TypeGuard

import orjson
import pandas as pd

from animl_kedro.boxes import PixelBox, fault_of
from animl_kedro.errors import InputError
from animl_kedro.files import fault_of_relative_path
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.pipelines.ingestion.parameters import IngestionParams
from animl_kedro.tables import Annotations, Images, RejectedRecords

EMPTY_LABEL = "empty"
"""The label of an image without an animal; its box, the whole frame, is not one."""

DATETIME_FIELDS = ("datetime", "date_captured")
"""Animl and LILA write the first, some older CCT files the second."""

YEARS = (1970, 2200)
"""Dates outside are a camera's clock gone wrong, and some are outside of what a table can hold."""

MAX_SIDE = 100_000
"""A larger width or height is not an image's."""


class Reason(StrEnum):
    """Why a record was rejected."""

    NOT_A_RECORD = "not_a_record"
    NO_ID = "no_id"
    DUPLICATE_ID = "duplicate_id"
    NO_KEY = "no_key"
    UNSAFE_FILE_NAME = "unsafe_file_name"
    SAME_FILE_NAME = "same_file_name"
    UNKNOWN_IMAGE = "unknown_image"
    IMAGE_REJECTED = "image_rejected"
    UNKNOWN_CATEGORY = "unknown_category"
    NOT_VALIDATED = "not_validated"
    UNWANTED_LABEL = "unwanted_label"
    BAD_BOX = "bad_box"
    BOX_OUTSIDE = "box_outside"


class Repair(StrEnum):
    """What was mended in a record that was kept."""

    BOX_CLIPPED = "box_clipped"
    DATETIME_DROPPED = "datetime_dropped"
    SIZE_DROPPED = "size_dropped"


class RejectedError(Exception):
    """Raised within this module for a record that cannot be used."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass
class ExportTables:
    """The tables made of an export, and how often what was repaired."""

    images: pd.DataFrame
    annotations: pd.DataFrame
    rejected: pd.DataFrame
    repairs: Counter[Repair] = field(default_factory=Counter)


Row = dict[str, Any]


class FileNames:
    """The file names that are taken, without regard to upper and lower case, and the folders that they need."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, file_name: str, image_id: str) -> None:
        """Take a name for an image. Raises RejectedError where another image's file or folder is in its way."""
        *folders, name = accumulate(file_name.casefold().split("/"), "{}/{}".format)
        owners = (self._files.get(name), self._folders.get(name), *map(self._files.get, folders))
        if owner := next(filter(None, owners), None):
            raise RejectedError(Reason.SAME_FILE_NAME, f"{file_name!r} cannot be kept beside the file of image {owner!r}")
        self._files[name] = image_id
        self._folders.update(dict.fromkeys(folders, image_id))


def read_records(export: CctExport, params: IngestionParams) -> ExportTables:
    """Make tables of an export's records, sorted by id, so that the order of the records does not matter.

    Every image and annotation of the export is either one row of its table or one row of the rejected records.
    Raises InputError where a wanted label is none of the export's categories, or a category has two names.
    """
    repairs: Counter[Repair] = Counter()
    labels = _labels_by_category(export)
    _check_wanted(params.labels, set(labels.values()))

    taken = FileNames()

    def read_image(record: Mapping[str, Any]) -> Row:
        found: Counter[Repair] = Counter()
        row = _read_image(record, params, found)
        taken.add(row["file_name"], row["image_id"])
        repairs.update(found)
        return row

    images, rejected_images = _sift("image", export.images, read_image)
    sizes = {row["image_id"]: (row["width"], row["height"]) for row in images}
    refused = {row["record_id"] for row in rejected_images if row["record_id"]} - sizes.keys()

    def read_annotation(record: Mapping[str, Any]) -> Row:
        image_id = _text(record.get("image_id")) or ""
        if image_id not in sizes:
            reason = Reason.IMAGE_REJECTED if image_id in refused else Reason.UNKNOWN_IMAGE
            raise RejectedError(reason, f"its image {image_id!r} is not among the images")
        return _read_annotation(record, labels, sizes[image_id], params, repairs)

    annotations, rejected_annotations = _sift("annotation", export.annotations, read_annotation)
    return ExportTables(
        images=Images.of(images),
        annotations=Annotations.of(annotations),
        rejected=RejectedRecords.of(rejected_images + rejected_annotations),
        repairs=repairs,
    )


def _sift(kind: str, records: Iterable[Any], read: Callable[[Mapping[str, Any]], Row]) -> tuple[list[Row], list[Row]]:
    """Read records in the order of their ids; give the rows, and the rejected ones."""
    rows: list[Row] = []
    rejected: list[Row] = []
    seen: set[str] = set()
    for record_id, record in sorted(((_id_of(record), record) for record in records), key=_order):
        try:
            if not isinstance(record, Mapping):
                raise RejectedError(Reason.NOT_A_RECORD, f"a JSON object was expected, got {str(record)[:100]}")
            if record_id is None:
                raise RejectedError(Reason.NO_ID, "the record has no id")
            if record_id in seen:
                raise RejectedError(Reason.DUPLICATE_ID, f"another {kind} has the same id")
            seen.add(record_id)
            rows.append(read(record))
        except RejectedError as error:
            rejected.append(
                {
                    "record": kind,
                    "record_id": record_id or "",
                    "image_id": _image_of(kind, record_id, record),
                    "reason": error.reason,
                    "detail": str(error),
                }
            )
    return rows, rejected


def _order(item: tuple[str | None, Any]) -> tuple[str, bytes]:
    """By id; records that share an id by their content, so that the one that is kept is always the same."""
    record_id, record = item
    return record_id or "", orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def _id_of(record: Any) -> str | None:
    return _text(record.get("id")) if isinstance(record, Mapping) else None


def _image_of(kind: str, record_id: str | None, record: Any) -> str | None:
    if kind == "image":
        return record_id
    return _text(record.get("image_id")) if isinstance(record, Mapping) else None


def _text(value: Any) -> str | None:
    """An id or a name as text: exports write some of them as numbers. None where there is no such thing."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _labels_by_category(export: CctExport) -> dict[str, str]:
    pairs = ((_id_of(category), _text(category.get("name"))) for category in export.categories if _id_of(category))
    labels: dict[str, str] = {}
    for category_id, name in pairs:
        if category_id and name and labels.setdefault(category_id, name) != name:
            names = " and ".join(map(repr, sorted((labels[category_id], name))))
            raise InputError(f"The export's category {category_id} is both {names}. Export it from Animl again.")
    return labels


def _check_wanted(wanted: tuple[str, ...] | None, known: set[str]) -> None:
    if unknown := sorted(set(wanted or ()) - known):
        raise InputError(
            f"ingestion.labels asks for {', '.join(map(repr, unknown))}, but the export's categories are "
            f"{', '.join(sorted(known)) or 'none'}. Correct the labels in conf/*/parameters/ingestion.yml."
        )


def _read_image(record: Mapping[str, Any], params: IngestionParams, repairs: Counter[Repair]) -> Row:
    image_id = _text(record["id"])
    key = _text(record.get(params.key_field))
    if key is None:
        raise RejectedError(Reason.NO_KEY, f"the record has no {params.key_field}")
    file_name = _text(record.get("file_name")) or ""
    if fault := fault_of_relative_path(file_name):
        raise RejectedError(Reason.UNSAFE_FILE_NAME, f"file_name {file_name[:200]!r}: {fault}")
    width, height = _read_size(record, repairs)
    return {
        "image_id": image_id,
        "dataset": params.dataset,
        "key": key,
        "file_name": file_name,
        "location": _text(record.get("location")),
        "sequence_id": _text(record.get("seq_id")),
        "datetime": _read_datetime(record, repairs),
        "width": width,
        "height": height,
    }


def _read_size(record: Mapping[str, Any], repairs: Counter[Repair]) -> tuple[int | None, int | None]:
    width, height = record.get("width"), record.get("height")
    if width is None and height is None:
        return None, None
    if all(_is_number(side) and 1 <= side <= MAX_SIDE for side in (width, height)):
        return int(width), int(height)  # type: ignore[arg-type]
    repairs[Repair.SIZE_DROPPED] += 1
    return None, None


def _read_datetime(record: Mapping[str, Any], repairs: Counter[Repair]) -> datetime | None:
    """The wall clock at the camera: the zone that Animl adds is taken off, LILA writes none."""
    text = next((record[name] for name in DATETIME_FIELDS if record.get(name) is not None), None)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=None)
    except (TypeError, ValueError):
        moment = None
    if moment is None or not YEARS[0] <= moment.year <= YEARS[1]:
        repairs[Repair.DATETIME_DROPPED] += 1
        return None
    return moment


def _read_annotation(
    record: Mapping[str, Any],
    labels: Mapping[str, str],
    size: tuple[int | None, int | None],
    params: IngestionParams,
    repairs: Counter[Repair],
) -> Row:
    label = labels.get(_text(record.get("category_id")) or "")
    if label is None:
        raise RejectedError(
            Reason.UNKNOWN_CATEGORY, f"category_id {record.get('category_id')!r} is none of the export's"
        )
    if params.validated_only and record.get("validated", True) is not True:
        raise RejectedError(Reason.NOT_VALIDATED, f"nobody has validated the label {label!r}")
    if params.labels is not None and label not in (*params.labels, EMPTY_LABEL):
        raise RejectedError(Reason.UNWANTED_LABEL, f"the label {label!r} is not among ingestion.labels")
    box = None if label == EMPTY_LABEL else _read_box(record.get("bbox"), size, repairs)
    left, top, width, height = box or (None, None, None, None)
    return {
        "annotation_id": _text(record["id"]),
        "image_id": _text(record["image_id"]),
        "label": label,
        "box_left": left,
        "box_top": top,
        "box_width": width,
        "box_height": height,
        "confidence": _read_confidence(record.get("confidence")),
    }


def _read_box(value: Any, size: tuple[int | None, int | None], repairs: Counter[Repair]) -> PixelBox | None:
    if value is None:
        return None
    if not (isinstance(value, list) and len(value) == 4 and all(_is_number(number) for number in value)):
        raise RejectedError(Reason.BAD_BOX, f"bbox {str(value)[:100]} is not four numbers [x, y, width, height]")
    box = PixelBox(*map(float, value))
    if fault := fault_of(*box):
        raise RejectedError(Reason.BAD_BOX, fault)
    image_width, image_height = size
    if image_width is None or image_height is None:
        return box
    clipped = box.clipped(image_width, image_height)
    if fault_of(*clipped):
        raise RejectedError(Reason.BOX_OUTSIDE, f"box {value} is outside of the {image_width} × {image_height} image")
    repairs[Repair.BOX_CLIPPED] += clipped != box
    return clipped


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read_confidence(value: Any) -> float | None:
    return float(value) if _is_number(value) and 0 <= value <= 1 else None
