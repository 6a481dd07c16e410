"""Why a record is rejected, and what is mended in one that is kept."""

from enum import StrEnum


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
    FILE_NAME_CHANGED = "file_name_changed"


class RejectedError(Exception):
    """Raised within this package for a record that cannot be used."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
