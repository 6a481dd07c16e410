"""The parameters of the ingestion pipeline."""

from datetime import date
from typing import Self

from pydantic import Field, model_validator

from animl_kedro.formats.coco_camera_traps import EMPTY_LABEL
from animl_kedro.parameters import StrictParams


class SelectionParams(StrictParams):
    """Which labels and images to take from the exports. What is not taken is listed in rejected_records."""

    labels: tuple[str, ...] | None = Field(None, min_length=1)
    """Labels to keep, besides "empty"; None keeps every label of the exports. An image without one is not taken."""

    rename: dict[str, str] = Field(default_factory=dict)
    """Labels to call by another name, before anything else; two labels of one name are merged."""

    validated_only: bool = True
    """Whether to leave out labels that no person has validated. Exports without the field count as validated."""

    keep_empty: bool = True
    """Whether to take images whose only label is "empty", as negatives."""

    first_date: date | None = None
    """The first day to take images of, by the camera's clock. With a first or last day, images without a date are
    left out."""

    last_date: date | None = None
    """The last day to take images of."""

    locations: tuple[str, ...] | None = Field(None, min_length=1)
    """Locations to take images of; None takes all."""

    exclude_locations: tuple[str, ...] = ()
    """Locations to take no images of."""

    max_images_per_label: int | None = Field(None, ge=1)
    """Images of a label at most, drawn by chance; where an image has several labels, each of them counts it."""

    seed: int = Field(0, ge=0, lt=2**63)
    """Decides which images are drawn. Images of the same labels keep their order when others arrive later."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.first_date and self.last_date and self.first_date > self.last_date:
            raise ValueError(f"first_date {self.first_date} is after last_date {self.last_date}: no image is between")
        if both := sorted(set(self.locations or ()) & set(self.exclude_locations)):
            raise ValueError(f"the location {both[0]!r} is both in locations and in exclude_locations")
        if EMPTY_LABEL in self.rename:
            raise ValueError(f"{EMPTY_LABEL!r} cannot be renamed: it is the label of images without an animal")
        if circular := sorted(set(self.rename) & set(self.rename.values())):
            raise ValueError(f"rename calls another label {circular[0]!r}, and renames {circular[0]!r} itself")
        return self


class DownloadParams(StrictParams):
    """How to download images."""

    threads: int = Field(32, ge=1, le=256)
    """Images downloaded at the same time. A far archive needs more than a near one."""

    attempts: int = Field(6, ge=1, le=20)
    """How often to ask for an image where the reason of a failure may pass; the waits between double."""

    stall_timeout_s: float = Field(30, gt=0)
    """Seconds without a byte after which a connection is given up."""

    max_failed_fraction: float = Field(0.01, ge=0, le=1)
    """Fraction of the images that may fail to download before the run fails, after having tried them all."""


class IngestionParams(StrictParams):
    """What to take from the exports, and how to download it."""

    selection: SelectionParams = Field(default_factory=SelectionParams)
    """Which labels and images to take."""

    download: DownloadParams = Field(default_factory=DownloadParams)
    """How to download them."""

    accept_cut_off: bool = False
    """Whether to go on with the whole records of an export whose end is missing."""

    dry_run: bool = False
    """Whether to only tell what would be downloaded, how much it is and how long it would take."""
