"""From crops to classes, and to training, validation and test splits that share no location."""

from animl_kedro.pipelines.dataset_split.pipeline import create_pipeline

__all__ = ["create_pipeline"]
