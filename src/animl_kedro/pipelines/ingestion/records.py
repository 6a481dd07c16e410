"""From the raw records of exports to tables: a record is kept, repaired or rejected with a reason, never lost."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, TypeVar

import orjson
import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.label_export import LabelExport
from animl_kedro.formats.text import read_text, shown
from animl_kedro.pipelines.ingestion.parameters import IngestionParams, SelectionParams
from animl_kedro.pipelines.ingestion.rejections import Reason, RejectedError, RejectedRow, Repair
from animl_kedro.pipelines.ingestion.rows import (
    AnnotationReader,
    AnnotationRow,
    ImageReader,
    ImageRow,
    KnownImage,
    Record,
)
from animl_kedro.tables import Annotations, Images, RejectedRecords

Row = TypeVar("Row", ImageRow, AnnotationRow)


@dataclass(frozen=True)
class ExportTables:
    """The tables made of exports, and how often what was repaired."""

    images: pd.DataFrame
    annotations: pd.DataFrame
    rejected: pd.DataFrame
    repairs: Counter[Repair]


@dataclass
class Records:
    """The rows of these tables: what was kept and what was not; and each repair, with the image that it belongs to."""

    images: list[ImageRow] = field(default_factory=list)
    annotations: list[AnnotationRow] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    repairs: list[tuple[str, Repair]] = field(default_factory=list)

    def tables(self) -> ExportTables:
        """The tables, checked, and sorted by id, so that the order of the records does not matter."""
        return ExportTables(
            images=Images.of(sorted(self.images, key=itemgetter(0))),
            annotations=Annotations.of(sorted(self.annotations, key=itemgetter(0))),
            rejected=RejectedRecords.of(self.rejected),
            repairs=Counter(repair for _, repair in self.repairs),
        )


def read_records(exports: Mapping[str, LabelExport], params: IngestionParams) -> Records:
    """Make rows of the exports' records.

    Every image and annotation is either one row of its kind or one row of the rejected records. An id that two data
    sets use is made unique in the second, by name, with the data set's name before it. Raises InputError where an
    export was cut off and that is not accepted, a wanted label is none of the exports' categories, or a category has
    two names.
    """
    for name, export in exports.items():
        _check_whole(name, export.records, params)
    labels = {name: _labels_by_category(name, export.records) for name, export in exports.items()}
    if any(export.records.annotations for export in exports.values()):
        _check_labels(params.selection, {label for names in labels.values() for label in names.values()})
    found = Records()
    for name in sorted(exports):
        _read_dataset(name, exports[name], labels[name], params.selection, found)
    return found


def _read_dataset(
    dataset: str, export: LabelExport, labels: Mapping[str, str], params: SelectionParams, found: Records
) -> None:
    """Read the records of a data set, and add them to what was found."""
    new_image_ids = _new_ids(export.records.images, {row.image_id for row in found.images}, dataset)
    taken = {row.annotation_id for row in found.annotations}
    new_annotation_ids = _new_ids(export.records.annotations, taken, dataset)
    known: dict[str, KnownImage] = {}
    read_image = ImageReader(dataset, export.key_rule)
    renamed = {number: params.rename.get(label, label) for number, label in labels.items()}
    read_annotation = AnnotationReader(renamed, params)

    def image_of(image_id: str, record: Record) -> ImageRow:
        unique = new_image_ids.get(image_id, image_id)
        repairs: list[Repair] = []
        row = read_image(unique, record, repairs)
        found.repairs += [(unique, repair) for repair in repairs]
        known[image_id] = KnownImage(unique, row.width, row.height)
        return row

    images, rejected_images = _sift(dataset, "image", export.records.images, image_of)
    refused = {row.record_id for row in rejected_images if row.record_id} - known.keys()

    def annotation_of(annotation_id: str, record: Record) -> AnnotationRow:
        if record.get("superseded") is True:
            raise RejectedError(Reason.SUPERSEDED, "each image of its event has labels of its own")
        image_id = read_text(record.get("image_id")) or ""
        image = known.get(image_id)
        if image is None:
            reason = Reason.IMAGE_REJECTED if image_id in refused else Reason.UNKNOWN_IMAGE
            raise RejectedError(reason, f"its image {image_id!r} is not among the images")
        repairs: list[Repair] = []
        row = read_annotation(new_annotation_ids.get(annotation_id, annotation_id), record, image, repairs)
        found.repairs += [(image.image_id, repair) for repair in repairs]
        return row

    annotations, rejected_annotations = _sift(dataset, "annotation", export.records.annotations, annotation_of)
    found.images += images
    found.annotations += annotations
    found.rejected += [
        row._replace(image_id=new_image_ids.get(row.image_id or "", row.image_id))
        for row in (*rejected_images, *rejected_annotations)
    ]


def _sift(
    dataset: str, kind: str, records: Sequence[Any], read: Callable[[str, Record], Row]
) -> tuple[list[Row], list[RejectedRow]]:
    """Read records in the order of their ids; give the rows, and the rejected ones."""
    rows: list[Row] = []
    rejected: list[RejectedRow] = []
    seen: set[str] = set()
    for record_id, record in _in_order(records):
        try:
            if not isinstance(record, dict):
                raise RejectedError(Reason.NOT_A_RECORD, f"a JSON object was expected, got {shown(record)}")
            if not record_id:
                raise RejectedError(Reason.NO_ID, "the record has no id")
            if record_id in seen:
                raise RejectedError(Reason.DUPLICATE_ID, f"another {kind} has the same id")
            seen.add(record_id)
            rows.append(read(record_id, record))
        except RejectedError as error:
            image_id = record_id or None
            if kind == "annotation":
                image_id = read_text(record.get("image_id")) if isinstance(record, dict) else None
            rejected.append(RejectedRow(dataset, kind, record_id, image_id, error.reason, str(error)))
    return rows, rejected


def _in_order(records: Sequence[Any]) -> list[tuple[str, Any]]:
    """Records with their ids, in the order of these; an id is empty where a record has none.

    Records that share an id are in the order of their content, so that the one that is kept is always the same.
    """
    ids = [read_text(record.get("id")) or "" if isinstance(record, dict) else "" for record in records]
    pairs = list(zip(ids, records, strict=True))
    if len(set(ids)) < len(ids):
        counts = Counter(ids)
        pairs.sort(key=lambda pair: _content(pair[1]) if counts[pair[0]] > 1 else b"")
    return sorted(pairs, key=itemgetter(0))


def _content(record: Any) -> bytes:
    """The record's content, to be compared; nothing for what is nested deeper than orjson goes."""
    try:
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return b""


def _new_ids(records: Sequence[Any], taken: set[str], dataset: str) -> dict[str, str]:
    """For each id of these records that is taken, one with the data set's name before it that is not."""
    if not taken:
        return {}
    own = {read_text(record.get("id")) or "" for record in records if isinstance(record, dict)}
    used = own | taken
    new_ids: dict[str, str] = {}
    for record_id in sorted(own & taken):
        new_id = f"{dataset}/{record_id}"
        while new_id in used:
            new_id = f"{dataset}/{new_id}"
        used.add(new_id)
        new_ids[record_id] = new_id
    return new_ids


def _labels_by_category(dataset: str, export: CctExport) -> dict[str, str]:
    labels: dict[str, str] = {}
    for category in filter(lambda category: isinstance(category, Mapping), export.categories):
        category_id, name = read_text(category.get("id")), read_text(category.get("name"))
        if category_id and name and labels.setdefault(category_id, name) != name:
            names = " and ".join(map(repr, sorted((labels[category_id], name))))
            raise InputError(f"In the export of {dataset}, category {category_id} is both {names}. Export it again.")
    return labels


def _check_whole(dataset: str, export: CctExport, params: IngestionParams) -> None:
    if not export.cut_off:
        return
    if not params.accept_cut_off:
        raise InputError(
            f"{export.cut_off}; exports of large projects can break off while they are written. Export it from Animl "
            "again, or export fewer images at a time; or go on with what is whole: ingestion.accept_cut_off=true."
        )
    if not export.images:
        raise InputError(f"{export.cut_off}: there is nothing to go on with. Export it from Animl again.")
    if export.annotations and not export.categories:
        raise InputError(
            f"{export.cut_off}, and without the names of its categories, which would have come last. Give them as "
            f"`categories:` (id: label) of {dataset} under animl_export in the catalog; an earlier export has them."
        )


def _check_labels(params: SelectionParams, known: set[str]) -> None:
    for parameter, asked in (("rename", set(params.rename)), ("labels", set(params.labels or ()))):
        renamed = {params.rename.get(label, label) for label in known} if parameter == "labels" else known
        if unknown := sorted(asked - renamed):
            raise InputError(
                f"ingestion.selection.{parameter} asks for {', '.join(map(repr, unknown))}, but the export's "
                f"categories are {', '.join(sorted(renamed)) or 'none'}. Correct it in conf/*/parameters/ingestion.yml."
            )
