"""From an export and an archive to checked tables and local images."""

from animl_kedro.pipelines.ingestion.pipeline import create_pipeline

__all__ = ["create_pipeline"]
