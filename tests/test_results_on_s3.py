"""Results in a bucket: one prefix changes, and all that is no folder of images lies there."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline

from animl_kedro.datasets.megadetector_results import MegaDetectorResultsDataset
from animl_kedro.hooks import FinalWordsHook
from animl_kedro.sample.server import S3Server, serve_folder
from crop_factories import make_crops, make_image_files
from projects import Project
from reporting_factories import make_predictions
from s3_servers import in_environment

BUCKET = "results"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """An S3 server that is found as a person's is: by the environment."""
    (tmp_path / "served").mkdir()
    with serve_folder(tmp_path / "served", BUCKET) as server:
        in_environment(server, monkeypatch)
        yield server


@pytest.fixture
def project(tmp_path: Path, server: S3Server) -> Project:
    """A project whose results lie in the bucket, by what conf/animl tells a person to write."""
    project = Project(tmp_path / "project")
    project.configure("globals", {"data": f"s3://{server.bucket}/island"})
    return project


def keys() -> set[str]:
    """The keys of the bucket, without versions."""
    listing = boto3.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    names = [item["Key"].split("/") for item in listing]
    return {"/".join(part for part in name if "T" not in part or not part.endswith("Z")) for name in names}


def save(catalog: DataCatalog, **tables: object) -> None:
    for name, table in tables.items():
        catalog.save(name, table)


def test_results_are_made_in_the_bucket_of_what_lies_there(project: Project) -> None:
    save(project.catalog, predictions=make_predictions())
    project.run("reporting", nodes=["reporting.count_confusions", "reporting.plot_confusions"])
    catalog = project.catalog
    assert len(catalog.load("confusion_matrix")) > 0
    assert catalog.load("run_manifest")["run"]["status"] == "completed"
    assert {
        "island/07_model_output/predictions.parquet/predictions.parquet",
        "island/08_reporting/confusion_matrix_plot.png/confusion_matrix_plot.png",
        "island/08_reporting/run_manifest.json/run_manifest.json",
    } <= keys()
    assert not (project.folder / "data").exists()


def test_report_in_the_bucket_is_told_by_its_address(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    catalog = project.catalog
    catalog.save("report", "<!doctype html>")
    assert project.catalog.load("report") == "<!doctype html>"
    pipeline = Pipeline([Node(lambda: "", None, "report", name="write_report")])
    FinalWordsHook().after_pipeline_run(run_params={}, pipeline=pipeline, catalog=catalog)
    assert "s3://results/island/08_reporting/report.html/" in capsys.readouterr().out


def test_splits_and_their_exports_are_made_in_the_bucket_and_kept_from_there(project: Project) -> None:
    crops = make_crops(locations=12)
    save(project.catalog, crops=crops, image_files=make_image_files(crops))
    project.run("dataset_split")
    catalog = project.catalog
    splits = catalog.load("splits")
    assert catalog.load("split_ccts").keys() == {"train", "val", "test"}
    assert len(catalog.load("classification_dataset").splits["test"]) > 0
    split_of = catalog.load("labeled_crops").merge(splits, on="crop_id").set_index(["dataset", "location"])["split"]
    assert catalog.load("previous_splits").split_of == split_of.to_dict()
    assert "island/05_model_input/cameratraps/cameratraps/splits.json" in keys()
    assert not (project.folder / "data").exists()


def test_detections_in_a_bucket_load_as_they_were(server: S3Server) -> None:
    dataset = MegaDetectorResultsDataset(filepath=f"s3://{BUCKET}/detections.json")
    results = {"info": {"format_version": "1.6"}, "detection_categories": {"1": "animal"}, "images": []}
    assert not dataset.exists()
    dataset.save(results)
    assert dataset.exists()
    assert dataset.load() == results
