"""From the raw records of an export to tables: a record is kept, repaired or rejected with a reason, never lost."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

import orjson
import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.pipelines.ingestion.parameters import IngestionParams
from animl_kedro.pipelines.ingestion.rejections import Reason, RejectedError, Repair
from animl_kedro.pipelines.ingestion.rows import (
    AnnotationRow,
    ImageRow,
    Record,
    read_annotation,
    read_image,
    read_text,
)
from animl_kedro.tables import Annotations, Images, RejectedRecords

Row = TypeVar("Row", ImageRow, AnnotationRow)


@dataclass(frozen=True)
class ExportTables:
    """The tables made of an export, and how often what was repaired."""

    images: pd.DataFrame
    annotations: pd.DataFrame
    rejected: pd.DataFrame
    repairs: Counter[Repair]


class RejectedRow(NamedTuple):
    """A row of `RejectedRecords`."""

    record: str
    record_id: str
    image_id: str | None
    reason: Reason
    detail: str


class FileNames:
    """The file names that are taken, and the folders that they need.

    Names that some file systems hold for one are one here: upper and lower case, and the two forms of an accent.
    """

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, file_name: str, image_id: str) -> None:
        """Take a name for an image. Raises RejectedError where another image's file or folder is in its way."""
        path = unicodedata.normalize("NFC", file_name).casefold()
        folder = path.rpartition("/")[0]
        new_folders = [] if folder in self._folders else list(accumulate(folder.split("/"), "{}/{}".format))
        owners = (self._files.get(path), self._folders.get(path), *map(self._files.get, new_folders))
        if owner := next(filter(None, owners), None):
            detail = f"{file_name!r} cannot be kept beside the file of image {owner}"
            raise RejectedError(Reason.SAME_FILE_NAME, detail)
        self._files[path] = image_id
        self._folders.update(dict.fromkeys(new_folders, image_id))


def read_records(export: CctExport, params: IngestionParams) -> ExportTables:
    """Make tables of an export's records, sorted by id, so that the order of the records does not matter.

    Every image and annotation of the export is either one row of its table or one row of the rejected records.
    Raises InputError where a wanted label is none of the export's categories, or a category has two names.
    """
    repairs: Counter[Repair] = Counter()
    labels = _labels_by_category(export)
    _check_wanted(params.labels, set(labels.values()))
    taken = FileNames()

    def image_of(image_id: str, record: Record) -> ImageRow:
        found: Counter[Repair] = Counter()
        row = read_image(image_id, record, params, found)
        taken.add(row.file_name, image_id)
        repairs.update(found)
        return row

    images, rejected_images = _sift("image", export.images, image_of)
    sizes = {row.image_id: (row.width, row.height) for row in images}
    refused = {row.record_id for row in rejected_images if row.record_id} - sizes.keys()

    def annotation_of(annotation_id: str, record: Record) -> AnnotationRow:
        image_id = read_text(record.get("image_id")) or ""
        if image_id not in sizes:
            reason = Reason.IMAGE_REJECTED if image_id in refused else Reason.UNKNOWN_IMAGE
            raise RejectedError(reason, f"its image {image_id!r} is not among the images")
        return read_annotation(annotation_id, record, labels, sizes[image_id], params, repairs)

    annotations, rejected_annotations = _sift("annotation", export.annotations, annotation_of)
    return ExportTables(
        images=Images.of(images),
        annotations=Annotations.of(annotations),
        rejected=RejectedRecords.of(rejected_images + rejected_annotations),
        repairs=repairs,
    )


def _sift(kind: str, records: Sequence[Any], read: Callable[[str, Record], Row]) -> tuple[list[Row], list[RejectedRow]]:
    """Read records in the order of their ids; give the rows, and the rejected ones."""
    rows: list[Row] = []
    rejected: list[RejectedRow] = []
    seen: set[str] = set()
    for record_id, record in _in_order(records):
        try:
            if not isinstance(record, Mapping):
                raise RejectedError(Reason.NOT_A_RECORD, f"a JSON object was expected, got {str(record)[:100]}")
            if not record_id:
                raise RejectedError(Reason.NO_ID, "the record has no id")
            if record_id in seen:
                raise RejectedError(Reason.DUPLICATE_ID, f"another {kind} has the same id")
            seen.add(record_id)
            rows.append(read(record_id, record))
        except RejectedError as error:
            image_id = record_id or None
            if kind == "annotation":
                image_id = read_text(record.get("image_id")) if isinstance(record, Mapping) else None
            rejected.append(RejectedRow(kind, record_id, image_id, error.reason, str(error)))
    return rows, rejected


def _in_order(records: Sequence[Any]) -> list[tuple[str, Any]]:
    """Records with their ids, in the order of these; an id is empty where a record has none.

    Records that share an id are in the order of their content, so that the one that is kept is always the same.
    """
    ids = [read_text(record.get("id")) or "" if isinstance(record, Mapping) else "" for record in records]
    counts = Counter(ids)

    def order(item: tuple[str, Any]) -> tuple[str, bytes]:
        record_id, record = item
        return record_id, orjson.dumps(record, option=orjson.OPT_SORT_KEYS) if counts[record_id] > 1 else b""

    return sorted(zip(ids, records, strict=True), key=order)


def _labels_by_category(export: CctExport) -> dict[str, str]:
    labels: dict[str, str] = {}
    for category in filter(lambda category: isinstance(category, Mapping), export.categories):
        category_id, name = read_text(category.get("id")), read_text(category.get("name"))
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
