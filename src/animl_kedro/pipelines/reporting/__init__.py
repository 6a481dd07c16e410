"""From predictions to average precision, and to a report that a person can read."""

from animl_kedro.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
