"""The pipelines, in the order of the data."""

from kedro.pipeline import Pipeline

from animl_kedro.pipelines import dataset_split, detection_cropping, inference, ingestion, modeling, reporting

PIPELINES = {
    "ingestion": ingestion,
    "detection_cropping": detection_cropping,
    "dataset_split": dataset_split,
    "modeling": modeling,
    "reporting": reporting,
    "inference": inference,
}

ROAD = tuple(name for name in PIPELINES if name != "inference")
"""From the export to the report: what `kedro run` runs. Inference is of other images, when somebody has some."""


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline by its name, and those of the road together as the default."""
    pipelines = {name: package.create_pipeline() for name, package in PIPELINES.items()}
    return pipelines | {"__default__": sum((pipelines[name] for name in ROAD), Pipeline([]))}
