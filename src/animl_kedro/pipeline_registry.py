"""The pipelines, in the order of the data."""

from importlib import import_module

from kedro.pipeline import Pipeline

from animl_kedro.garbage import no_garbage_collection

ROAD = ("ingestion", "detection_cropping", "dataset_split", "modeling", "reporting")
"""From the export to the report: what `kedro run` runs."""

NAMES = (*ROAD, "inference")
"""All of them. Inference is of other images, when somebody has some."""


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline by its name, and those of the road together as the default."""
    with no_garbage_collection():  # what is imported stays; looking for garbage in it takes a third of a second
        packages = {name: import_module(f"animl_kedro.pipelines.{name}") for name in NAMES}
    pipelines = {name: package.create_pipeline() for name, package in packages.items()}
    return pipelines | {"__default__": sum((pipelines[name] for name in ROAD), Pipeline([]))}
