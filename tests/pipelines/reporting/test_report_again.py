"""The report of an old version, made again from its saved predictions."""

import json
from pathlib import Path

import pandas as pd
from kedro.io import AbstractVersionedDataset
from PIL import Image

from animl_kedro.pipelines.reporting import create_pipeline
from animl_kedro.tables import data_checksum
from projects import Project
from report_pages import Page
from reporting_factories import make_crops, make_history, make_predictions

NODES = [node.name for node in create_pipeline().to_outputs("report").nodes]


def save_version(project: Project, version: str, predictions: pd.DataFrame, epochs: int) -> None:
    """Save what a training leaves behind, as a run of that time would have."""
    catalog = project.catalog
    for name, table in (("predictions", predictions), ("training_history", make_history(epochs))):
        dataset = catalog[name]
        assert isinstance(dataset, AbstractVersionedDataset)
        path = Path(dataset._get_versioned_path(version))
        path.parent.mkdir(parents=True)
        table.to_parquet(path) if name == "predictions" else table.to_csv(path, index=False)
    card = project.folder / "data" / "06_models" / "classifier" / version / "classifier" / "classifier.json"
    card.parent.mkdir(parents=True)
    provenance = {"training_data": {"checksum": data_checksum(predictions)}, "parameters": {"epochs": epochs}}
    card.write_text(json.dumps({"backbone": "efficientnet-b0", "provenance": provenance}))


def newest_report(project: Project) -> bytes:
    return max((project.folder / "data" / "08_reporting" / "report.html").glob("*/report.html")).read_bytes()


def test_report_of_an_old_version_made_again_is_identical_while_there_are_newer_ones(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.configure("parameters", {"reporting": {"bootstrap_rounds": 100}})
    predictions = make_predictions(skill=1.0)
    project.catalog.save("crops", make_crops(predictions))
    for crop_id in predictions["crop_id"]:
        path = project.folder / "data" / "03_primary" / "crops" / crop_id
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 30), (90, 120, 60)).save(path)
    older, old, new = (f"2026-01-0{day}T00.00.00.000Z" for day in (1, 2, 3))
    save_version(project, older, make_predictions(skill=0.5, seed=1), epochs=3)
    save_version(project, old, predictions, epochs=5)
    project.run("reporting", nodes=NODES)
    first = newest_report(project)

    save_version(project, new, make_predictions(skill=3.0, seed=2), epochs=7)
    project.run("reporting", nodes=NODES, load_versions={"predictions": old})
    assert newest_report(project) == first

    text = Page(first.decode()).text
    assert f"the version {older}" in text
    assert "5 epochs" in text
    assert "epochs 5" in text
    assert str(tmp_path) not in text
