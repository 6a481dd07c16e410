"""Why a record is rejected, and what is mended in one that is kept."""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """Why a record was rejected: it cannot be used, or the selection leaves it out."""

    NOT_A_RECORD = "not_a_record"
    NO_ID = "no_id"
    DUPLICATE_ID = "duplicate_id"
    NO_KEY = "no_key"
    UNSAFE_FILE_NAME = "unsafe_file_name"
    SAME_FILE_NAME = "same_file_name"
    NOT_AN_IMAGE = "not_an_image"
    CORRUPT = "corrupt"
    SUPERSEDED = "superseded"
    UNKNOWN_IMAGE = "unknown_image"
    IMAGE_REJECTED = "image_rejected"
    UNKNOWN_CATEGORY = "unknown_category"
    BAD_BOX = "bad_box"
    BOX_OUTSIDE = "box_outside"
    NOT_VALIDATED = "not_validated"
    UNWANTED_LABEL = "unwanted_label"
    NO_LABEL = "no_label"
    EMPTY = "empty"
    NO_DATE = "no_date"
    OUTSIDE_DATES = "outside_dates"
    OUTSIDE_LOCATIONS = "outside_locations"
    OVER_MAXIMUM = "over_maximum"


class Repair(StrEnum):
    """What was mended, or found to be missing, in a record that was kept."""

    BOX_CLIPPED = "box_clipped"
    DATETIME_DROPPED = "datetime_dropped"
    SIZE_DROPPED = "size_dropped"
    SIZE_MISSING = "size_missing"
    FILE_NAME_CHANGED = "file_name_changed"


class RejectedError(Exception):
    """Raised within this package for a record that cannot be used."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class RejectedRow(NamedTuple):
    """A row of `RejectedRecords`."""

    dataset: str
    record: str
    record_id: str
    image_id: str | None
    reason: Reason
    detail: str
