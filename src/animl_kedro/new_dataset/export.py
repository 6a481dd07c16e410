"""What an export is: its format, and which labels are in it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from animl_kedro.datasets.input_exports import read_export
from animl_kedro.datasets.input_file import InputFile
from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import EMPTY_LABEL, CctExport


class Format(StrEnum):
    """Who writes such exports."""

    ANIML = "Animl's COCO Camera Traps"
    CAMTRAP_DP = "Camtrap DP"
    COCO_CAMERA_TRAPS = "COCO Camera Traps"


KEY_FIELDS = {
    Format.ANIML: "serving_bucket_key",
    Format.CAMTRAP_DP: "filePath",
    Format.COCO_CAMERA_TRAPS: "file_name",
}
"""The field of an image's record that is its key in the archive; the first one that a record has tells the format."""


@dataclass(frozen=True)
class ExportSummary:
    """An export in short. `labels` are its labels but for "empty", with the number of times that people gave them."""

    format: Format
    images: int
    labels: Mapping[str, int]

    @property
    def key(self) -> str:
        """The rule that makes an image's key of its record."""
        return f"{{{KEY_FIELDS[self.format]}}}"


def summarize(file: InputFile) -> ExportSummary:
    """Read an export. Raises InputError where it cannot be read, is cut off, or holds no image or no label."""
    export, _ = read_export(file)
    if export.cut_off:
        raise InputError(
            f"{export.cut_off}. Export the labels again; docs/ingestion.md tells how to go on with what is whole."
        )
    records = [record for record in export.images if isinstance(record, dict)]
    if not records:
        raise InputError(f"{file.address} holds no image.")
    labels = _count_labels(export)
    if not labels:
        raise InputError(f"{file.address} holds no label of an animal that a person has validated.")
    return ExportSummary(_format_of(records[0], file.address), len(export.images), labels)


def _format_of(record: Mapping[str, Any], address: str) -> Format:
    for kind, name in KEY_FIELDS.items():
        if record.get(name):
            return kind
    raise InputError(f"The images of {address} have none of the fields {', '.join(KEY_FIELDS.values())}.")


def _count_labels(export: CctExport) -> Mapping[str, int]:
    names = {
        category["id"]: category["name"]
        for category in export.categories
        if isinstance(category, dict) and isinstance(category.get("name"), str) and _is_id(category.get("id"))
    }
    given = Counter(
        names.get(annotation["category_id"])
        for annotation in export.annotations
        if isinstance(annotation, dict)
        and _is_id(annotation.get("category_id"))
        and annotation.get("validated") is not False
    )
    return {label: count for label, count in given.most_common() if label not in (None, "", EMPTY_LABEL)}


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str)
