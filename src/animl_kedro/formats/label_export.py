"""The labels of a data set, as they were read."""

from dataclasses import dataclass

from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.key_rule import KeyRule


@dataclass(frozen=True)
class LabelExport:
    """A data set's export, and the rule that makes an image's key in the archive of its record."""

    records: CctExport
    key_rule: KeyRule
