"""The parameters of the reporting pipeline."""

from pydantic import Field

from animl_kedro.parameters import StrictParams


class ReportingParams(StrictParams):
    """What the report is called, and how many pictures are in it."""

    title: str = Field("Species classifier", min_length=1)
    """The heading of the report."""

    examples_per_class: int = Field(3, ge=0, le=24)
    """Pictures of every class in each gallery; 0 for a report without pictures."""
