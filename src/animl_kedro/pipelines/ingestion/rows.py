"""From one record of an export to one row of a table."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeGuard

from animl_kedro.boxes import PixelBox, RelativeBox, fault_of
from animl_kedro.files import fault_of_relative_path, portable
from animl_kedro.formats.coco_camera_traps import EMPTY_LABEL
from animl_kedro.formats.key_rule import KeyRule
from animl_kedro.formats.text import read_text, shown
from animl_kedro.pipelines.ingestion.file_names import FileNames
from animl_kedro.pipelines.ingestion.parameters import SelectionParams
from animl_kedro.pipelines.ingestion.rejections import Reason, RejectedError, Repair
from animl_kedro.tables import BoxUnit

DATETIME_FIELDS = ("datetime", "date_captured")
"""Animl and LILA write the first, some older CCT files the second."""

YEARS = (1970, 2200)
"""Dates outside are a camera's clock gone wrong, and some are outside of what a table can hold."""

NUMBERS = {int, float}
"""The types of JSON's numbers; not bool, which isinstance takes for an int."""

MAX_SIDE = 100_000
"""A larger width or height is not an image's."""

LONGEST_SUFFIX = "___crop000.jpg"
"""What the files made of an image add to its name at most."""

SURELY_SHORT = 200
"""A path of so many ASCII characters is not too long for any file system."""

Record = Mapping[str, Any]
Size = tuple[int | None, int | None]


class KnownImage(NamedTuple):
    """What an annotation's record needs to know of its image: the id that it goes by, and its size in pixels."""

    image_id: str
    width: int | None
    height: int | None


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
    box_unit: BoxUnit | None
    box_left: float | None
    box_top: float | None
    box_width: float | None
    box_height: float | None
    confidence: float | None


class ImageReader:
    """Makes rows of the images of a data set, and keeps their file names apart."""

    def __init__(self, dataset: str, key_rule: KeyRule) -> None:
        self._dataset = dataset
        self._key_rule = key_rule
        self._names = FileNames()

    def __call__(self, image_id: str, record: Record, repairs: list[Repair]) -> ImageRow:
        """The row of an image.

        Raises RejectedError where it has no key, or no file name that is safe and not taken, or is no image.
        """
        if record.get("corrupt") is True:
            raise RejectedError(Reason.CORRUPT, "the export says that the image is corrupt")
        media_type = record.get("media_type")
        if isinstance(media_type, str) and media_type and not media_type.lower().startswith("image"):
            raise RejectedError(Reason.NOT_AN_IMAGE, f"the export says that it is {shown(media_type)}")
        key = self._key_rule.key_of(record)
        if key is None:
            raise RejectedError(Reason.NO_KEY, f"the record has no {' or no '.join(self._key_rule.fields)}")
        return ImageRow(
            image_id,
            self._dataset,
            key,
            self._read_file_name(image_id, record, repairs),
            read_text(record.get("location")),
            read_text(record.get("seq_id")),
            _read_datetime(record, repairs),
            *_read_size(record, repairs),
        )

    def _read_file_name(self, image_id: str, record: Record, repairs: list[Repair]) -> str:
        written = read_text(record.get("file_name")) or ""
        file_name = portable(written)
        fault = fault_of_relative_path(file_name)
        longest = f"{self._dataset}/{file_name}{LONGEST_SUFFIX}"
        if not fault and (len(longest) > SURELY_SHORT or not longest.isascii()):
            fault = fault_of_relative_path(longest)
        if fault:
            raise RejectedError(Reason.UNSAFE_FILE_NAME, f"file_name {written[:200]!r}: {fault}")
        self._names.add(file_name, image_id)
        if file_name != written:
            repairs.append(Repair.FILE_NAME_CHANGED)
        return file_name


class AnnotationReader:
    """Makes rows of the annotations of a data set, whose labels are known by the ids of their categories."""

    def __init__(self, labels: Mapping[str, str], params: SelectionParams) -> None:
        self._labels = labels
        self._validated_only = params.validated_only
        self._wanted = None if params.labels is None else {*params.labels, EMPTY_LABEL}

    def __call__(self, annotation_id: str, record: Record, image: KnownImage, repairs: list[Repair]) -> AnnotationRow:
        """The row of an annotation of an image.

        Raises RejectedError where its category is unknown, its label is not wanted or not validated, or its box is
        none.
        """
        label = self._labels.get(read_text(record.get("category_id")) or "")
        if label is None:
            detail = f"category_id {shown(record.get('category_id'))} is none of the export's"
            raise RejectedError(Reason.UNKNOWN_CATEGORY, detail)
        if self._validated_only and record.get("validated", True) is not True:
            raise RejectedError(Reason.NOT_VALIDATED, f"nobody has validated the label {label!r}")
        if self._wanted is not None and label not in self._wanted:
            raise RejectedError(Reason.UNWANTED_LABEL, f"the label {label!r} is not among ingestion.selection.labels")
        unit, box = (None, None) if label == EMPTY_LABEL else _read_box(record, (image.width, image.height), repairs)
        left, top, width, height = box or (None, None, None, None)
        confidence = record.get("confidence")
        certain = float(confidence) if _is_number(confidence) and 0 <= confidence <= 1 else None
        return AnnotationRow(annotation_id, image.image_id, label, unit, left, top, width, height, certain)


def _read_size(record: Record, repairs: list[Repair]) -> Size:
    width, height = record.get("width"), record.get("height")
    if width is None and height is None:
        repairs.append(Repair.SIZE_MISSING)
        return None, None
    if _is_number(width) and _is_number(height) and 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE:
        return int(width), int(height)
    repairs.append(Repair.SIZE_DROPPED)
    return None, None


def _read_datetime(record: Record, repairs: list[Repair]) -> datetime | None:
    """The wall clock at the camera: the zone that Animl adds is taken off, LILA writes none."""
    text = next((record[name] for name in DATETIME_FIELDS if record.get(name) is not None), None)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=None)
    except (TypeError, ValueError):
        moment = None
    if moment is None or not YEARS[0] <= moment.year <= YEARS[1]:
        repairs.append(Repair.DATETIME_DROPPED)
        return None
    return moment


def _read_box(record: Record, size: Size, repairs: list[Repair]) -> tuple[BoxUnit | None, PixelBox | None]:
    """The box in pixels, as COCO has it; or in fractions, where the export has those and no size of the image."""
    if (value := record.get("bbox")) is not None:
        return BoxUnit.PIXEL, _checked(PixelBox(*_four_numbers(value)), value, size, repairs)
    if (value := record.get("bbox_relative")) is None:
        return None, None
    width, height = size
    numbers = _four_numbers(value)
    if width is None or height is None:
        return BoxUnit.FRACTION, _checked(PixelBox(*numbers), value, (1, 1), repairs)
    box = RelativeBox(*numbers).in_pixels(width, height)
    if fault := fault_of(*box):  # of a size, but not in pixels
        raise RejectedError(Reason.BAD_BOX, fault)
    return BoxUnit.PIXEL, _checked(box, value, size, repairs)


def _four_numbers(value: Any) -> tuple[float, float, float, float]:
    if not (isinstance(value, list) and len(value) == 4 and set(map(type, value)) <= NUMBERS):
        raise RejectedError(Reason.BAD_BOX, f"bbox {shown(value)} is not four numbers [x, y, width, height]")
    left, top, width, height = map(float, value)
    if fault := fault_of(left, top, width, height):
        raise RejectedError(Reason.BAD_BOX, fault)
    return left, top, width, height


def _checked(box: PixelBox, written: Any, size: Size, repairs: list[Repair]) -> PixelBox:
    """The part of a box that is inside of a frame of this size, if it is known."""
    frame_width, frame_height = size
    if frame_width is None or frame_height is None:
        return box
    clipped = box.clipped(frame_width, frame_height)
    if clipped is box:
        return box
    if fault_of(*clipped):
        frame = f"{frame_width} × {frame_height} image"
        raise RejectedError(Reason.BOX_OUTSIDE, f"box {written} is outside of the {frame}")
    repairs.append(Repair.BOX_CLIPPED)
    return clipped


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) in NUMBERS
