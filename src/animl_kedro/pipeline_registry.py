"""The five pipelines, in the order of the data."""

from kedro.pipeline import Pipeline

from animl_kedro.pipelines import dataset_split, detection_cropping, ingestion, modeling, reporting

PIPELINES = {
    "ingestion": ingestion,
    "detection_cropping": detection_cropping,
    "dataset_split": dataset_split,
    "modeling": modeling,
    "reporting": reporting,
}


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline by its name, and all of them together as the default."""
    pipelines = {name: package.create_pipeline() for name, package in PIPELINES.items()}
    return pipelines | {"__default__": sum(pipelines.values(), Pipeline([]))}
