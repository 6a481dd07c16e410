"""From annotated boxes to crops that can be traced back to the pixel."""

from animl_kedro.pipelines.detection_cropping.pipeline import create_pipeline

__all__ = ["create_pipeline"]
