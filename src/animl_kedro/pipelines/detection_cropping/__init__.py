"""From annotated or detected boxes to crops that can be traced back to the pixel."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline


def create_pipeline() -> "Pipeline":
    """The pipeline; it is imported when it is asked for, so that the processes that crop start without pandas."""
    from animl_kedro.pipelines.detection_cropping import pipeline  # noqa: PLC0415

    return pipeline.create_pipeline()


__all__ = ["create_pipeline"]
