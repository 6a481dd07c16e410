"""From labelled crops to a classifier and its predictions."""

from animl_kedro.pipelines.modeling.pipeline import create_pipeline

__all__ = ["create_pipeline"]
