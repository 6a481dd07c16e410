"""From one record of an export to one row of a table."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeGuard

from animl_kedro.boxes import PixelBox, fault_of
from animl_kedro.files import fault_of_relative_path, portable
from animl_kedro.formats.coco_camera_traps import EMPTY_LABEL
from animl_kedro.pipelines.ingestion.parameters import IngestionParams
from animl_kedro.pipelines.ingestion.rejections import Reason, RejectedError, Repair

DATETIME_FIELDS = ("datetime", "date_captured")
"""Animl and LILA write the first, some older CCT files the second."""

YEARS = (1970, 2200)
"""Dates outside are a camera's clock gone wrong, and some are outside of what a table can hold."""

MAX_SIDE = 100_000
"""A larger width or height is not an image's."""

LONGEST_SUFFIX = "___crop000.jpg"
"""What the files made of an image add to its name at most."""

Record = Mapping[str, Any]
Size = tuple[int | None, int | None]


class ImageRow(NamedTuple):
    """A row of `Images`."""

    image_id: str
    dataset: str
    key: str
    file_name: str
    location: str | None
    sequence_id: str | None
    datetime: datetime | None
    width: int | None
    height: int | None


class AnnotationRow(NamedTuple):
    """A row of `Annotations`."""

    annotation_id: str
    image_id: str
    label: str
    box_left: float | None
    box_top: float | None
    box_width: float | None
    box_height: float | None
    confidence: float | None


def read_text(value: Any) -> str | None:
    """An id or a name as text: exports write some of them as numbers. None where there is no such thing."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def read_image(image_id: str, record: Record, params: IngestionParams, repairs: Counter[Repair]) -> ImageRow:
    """The row of an image. Raises RejectedError where the record has no key or no file name that is safe."""
    key = read_text(record.get(params.key_field))
    if key is None:
        raise RejectedError(Reason.NO_KEY, f"the record has no {params.key_field}")
    written = read_text(record.get("file_name")) or ""
    file_name = portable(written)
    longest = f"{params.dataset}/{file_name}{LONGEST_SUFFIX}"
    if fault := fault_of_relative_path(file_name) or fault_of_relative_path(longest):
        raise RejectedError(Reason.UNSAFE_FILE_NAME, f"file_name {written[:200]!r}: {fault}")
    if file_name != written:
        repairs[Repair.FILE_NAME_CHANGED] += 1
    return ImageRow(
        image_id,
        params.dataset,
        key,
        file_name,
        read_text(record.get("location")),
        read_text(record.get("seq_id")),
        _read_datetime(record, repairs),
        *_read_size(record, repairs),
    )


def read_annotation(
    annotation_id: str,
    record: Record,
    labels: Mapping[str, str],
    size: Size,
    params: IngestionParams,
    repairs: Counter[Repair],
) -> AnnotationRow:
    """The row of an annotation of an image of this size.

    Raises RejectedError where its category is unknown, its label is not wanted or not validated, or its box is none.
    """
    label = labels.get(read_text(record.get("category_id")) or "")
    if label is None:
        detail = f"category_id {record.get('category_id')!r} is none of the export's"
        raise RejectedError(Reason.UNKNOWN_CATEGORY, detail)
    if params.validated_only and record.get("validated", True) is not True:
        raise RejectedError(Reason.NOT_VALIDATED, f"nobody has validated the label {label!r}")
    if params.labels is not None and label not in (*params.labels, EMPTY_LABEL):
        raise RejectedError(Reason.UNWANTED_LABEL, f"the label {label!r} is not among ingestion.labels")
    box = None if label == EMPTY_LABEL else _read_box(record.get("bbox"), size, repairs)
    left, top, width, height = box or (None, None, None, None)
    confidence = record.get("confidence")
    return AnnotationRow(
        annotation_id,
        str(record["image_id"]),
        label,
        left,
        top,
        width,
        height,
        float(confidence) if _is_number(confidence) and 0 <= confidence <= 1 else None,
    )


def _read_size(record: Record, repairs: Counter[Repair]) -> Size:
    width, height = record.get("width"), record.get("height")
    if width is None and height is None:
        return None, None
    if _is_number(width) and _is_number(height) and 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE:
        return int(width), int(height)
    repairs[Repair.SIZE_DROPPED] += 1
    return None, None


def _read_datetime(record: Record, repairs: Counter[Repair]) -> datetime | None:
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


def _read_box(value: Any, size: Size, repairs: Counter[Repair]) -> PixelBox | None:
    if value is None:
        return None
    if not (isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))):
        raise RejectedError(Reason.BAD_BOX, f"bbox {str(value)[:100]} is not four numbers [x, y, width, height]")
    box = PixelBox(*map(float, value))
    if fault := fault_of(*box):
        raise RejectedError(Reason.BAD_BOX, fault)
    image_width, image_height = size
    if image_width is None or image_height is None:
        return box
    clipped = box.clipped(image_width, image_height)
    if clipped is box:
        return box
    if fault_of(*clipped):
        raise RejectedError(Reason.BOX_OUTSIDE, f"box {value} is outside of the {image_width} × {image_height} image")
    repairs[Repair.BOX_CLIPPED] += 1
    return clipped


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
