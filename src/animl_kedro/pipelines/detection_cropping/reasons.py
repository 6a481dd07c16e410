"""The reasons for which there is no crop."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a box, a label or an image did not become a crop."""

    NO_FILE = "no_file"
    NO_LABEL = "no_label"
    NO_BOX = "no_box"
    NOT_DETECTED = "not_detected"
    AMBIGUOUS_LABEL = "ambiguous_label"
    NOT_COLLECTED = "not_collected"
    EMPTY = "empty"
    NOT_AN_ANIMAL = "not_an_animal"
    SHOWS_OTHERS = "shows_others"
    UNREADABLE_IMAGE = "unreadable_image"
    SIZE_MISMATCH = "size_mismatch"
    TOO_SMALL = "too_small"
    OUTSIDE = "outside"
    WORKER_LOST = "worker_lost"
