"""The parameters of the ingestion pipeline."""

from typing import Literal

from pydantic import Field, field_validator

from animl_kedro.files import fault_of_relative_path
from animl_kedro.parameters import StrictParams


class IngestionParams(StrictParams):
    """What to take from the export, and how to download it."""

    dataset: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Name of the data set: the first folder of every crop, and the first half of every location's identity."""

    @field_validator("dataset")
    @classmethod
    def _is_a_folder_name(cls, dataset: str) -> str:
        if fault := fault_of_relative_path(dataset):
            raise ValueError(f"{dataset!r} cannot be the name of a folder: {fault}")
        return dataset

    key_field: Literal["serving_bucket_key", "file_name"] = "serving_bucket_key"
    """Which field of an image's record is its key in the archive: Animl's serving key, or the file name (LILA)."""

    labels: tuple[str, ...] | None = Field(None, min_length=1)
    """Labels to keep; None keeps every label of the export."""

    validated_only: bool = True
    """Whether to leave out labels that no person has validated. Exports without the field count as validated."""

    download_threads: int = Field(32, ge=1, le=64)
    """Images downloaded at the same time."""

    max_failed_fraction: float = Field(0.01, ge=0, le=1)
    """Fraction of the images that may fail to download before the run fails, after having tried them all."""
