"""From photographs and the boxes of a detector to what the animals in them are."""

from animl_kedro.pipelines.inference.pipeline import create_pipeline

__all__ = ["create_pipeline"]
