"""From an export and an S3 archive to the report, as a person with an export of their own walks it."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from animl_kedro.cli.status import status
from animl_kedro.errors import InputError
from animl_kedro.images import open_image
from animl_kedro.sample.server import serve_folder
from projects import ROOT, TINY_TRAINING, Project
from tiny_island import point_at

REAL_IMAGES = ROOT.parent / "shared" / "real_images"


def test_whole_road_leaves_every_catalog_entry_behind(walked: Project) -> None:
    catalog = walked.catalog
    names = [name for name in pipelines["__default__"].datasets() if not name.startswith("param")]
    assert [name for name in names if not catalog.exists(name)] == []
    for name in names:
        catalog.load(name)
    assert catalog.load("split_plot").size > (100, 100)


def test_whole_road_leaves_a_manifest_and_is_up_to_date(walked: Project) -> None:
    manifest = walked.catalog.load("run_manifest")
    assert {node["status"] for node in manifest["nodes"]} == {"done"}
    assert (manifest["run"]["status"], manifest["run"]["repeat"]) == ("completed", "kedro run")
    assert len(manifest["exports"]["tiny"]["sha256"]) == 64
    rows = {name: told.get("rows") for name, told in manifest["datasets"].items()}
    assert (rows["images"], rows["crops"], rows["predictions"]) == (36, 36, 36)
    assert walked.folder.as_posix() not in json.dumps(manifest)
    result = CliRunner(env={"COLUMNS": "300"}).invoke(status, [], obj=bootstrap_project(walked.folder))
    assert result.output.rstrip().endswith("Everything is up to date."), result.output


def test_whole_road_measures_every_crop(walked: Project) -> None:
    catalog = walked.catalog
    assert len(catalog.load("crops")) == 36
    assert sorted(catalog.load("predictions")["crop_id"]) == sorted(catalog.load("crops")["crop_id"])
    table = catalog.load("average_precision")
    assert set(table.loc[table["kind"] == "mean", "label"]) == {"macro", "weighted", "micro"}
    assert set(table["split"]) == {"train", "val", "test"}


def test_catalog_gives_images_crops_and_a_classifier_ready_to_predict(walked: Project) -> None:
    catalog = walked.catalog
    crops = catalog.load("crops")
    crop = catalog.load("crop_images")[crops["crop_id"].iloc[0]]
    assert crop.size == (crops["width"].iloc[0], crops["height"].iloc[0])
    photograph = catalog.load("image_store")[crops["image_path"].iloc[0]]
    assert photograph.size == (120, 90)
    classifier = catalog.load("classifier")
    predictions = catalog.load("predictions").set_index("crop_id")
    saved = predictions.loc[crops["crop_id"].iloc[0]].filter(like="probability_").to_numpy(float)
    again = classifier.predict(crop).filter(like="probability_").to_numpy()[0]
    assert again == pytest.approx(saved, abs=1e-5)
    assert classifier.labels == ("bird", "fox", "skunk")


def test_boxes_of_photographs_are_predicted_as_their_crops_were(walked: Project) -> None:
    catalog = walked.catalog
    crops = catalog.load("crops").head(5)
    store = catalog.load("image_store")
    photographs = [store.path_of(path) for path in crops["image_path"]]
    boxes = crops[[f"relative_{side}" for side in ("left", "top", "width", "height")]].to_numpy()
    table = catalog.load("classifier").predict(photographs, [[box] for box in boxes])
    saved = catalog.load("predictions").set_index("crop_id").loc[crops["crop_id"]].filter(like="probability_")
    assert table[saved.columns].to_numpy() == pytest.approx(saved.to_numpy(), abs=1e-5)


def test_each_pipeline_runs_alone_without_archive_and_makes_a_new_version(walked: Project) -> None:
    reports = walked.folder / "data" / "08_reporting" / "report.html"
    before = len(list(reports.iterdir()))
    for pipeline in ("detection_cropping", "dataset_split", "modeling", "reporting"):
        walked.run(pipeline)
    assert len(list(reports.iterdir())) == before + 1
    promotion = walked.catalog.load("promotion")  # of the second classifier, beside the first
    assert promotion["crops"]["compared"] == (walked.catalog.load("predictions")["split"] == "test").sum()


def test_running_again_downloads_and_crops_nothing(walked: Project) -> None:
    folders = [walked.folder / "data" / "02_intermediate" / "images", walked.folder / "data" / "03_primary" / "crops"]
    before = {path: path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*.jpg")}
    walked.run("ingestion", "detection_cropping")  # the server is gone: a download would fail
    after = {path: path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*.jpg")}
    assert len(before) == 72
    assert after == before


@pytest.mark.parametrize(
    ("pipeline", "first"),
    [
        ("detection_cropping", "ingestion"),
        ("dataset_split", "ingestion, then kedro run --pipeline=detection_cropping"),
        ("modeling", "ingestion, then .*detection_cropping, then kedro run --pipeline=dataset_split"),
        ("reporting", "ingestion, then .*detection_cropping, .*dataset_split, then kedro run --pipeline=modeling"),
    ],
)
def test_pipeline_without_its_inputs_names_the_one_to_run_first(tmp_path: Path, pipeline: str, first: str) -> None:
    with pytest.raises(InputError, match=rf"Run first: kedro run --pipeline={first}$"):
        Project(tmp_path).run(pipeline)


def test_run_with_absent_export_tells_where_it_is_expected(tmp_path: Path) -> None:
    project = Project(tmp_path)
    point_at(project, tmp_path / "absent.json", "http://127.0.0.1:9", "nothing", {})
    with pytest.raises(InputError, match=r"animl_export at .*absent.json: put the file there"):
        project.run("ingestion")


@pytest.mark.skipif(
    not REAL_IMAGES.is_dir(), reason=f"the real photographs are no part of the project, and are not at {REAL_IMAGES}"
)
def test_real_photographs_are_all_accounted_for_from_end_to_end(tmp_path: Path) -> None:
    project = Project(tmp_path)
    labels = ["bear", "bird", "deer", "fox", "opossum", "rodent", "skunk"]
    (project.folder / "conf" / "local" / "label_map.yml").write_text(json.dumps({label: [label] for label in labels}))
    project.configure(
        "parameters",
        {
            "ingestion": {"selection": {"labels": labels}},
            "dataset_split": {"min_locations": 3, "min_crops": 3},
            "modeling": TINY_TRAINING,
        },
    )
    with serve_folder(REAL_IMAGES / "archive", "real-images") as server:
        point_at(project, REAL_IMAGES / "cct.json", server.endpoint_url, server.bucket, server.credentials, "real")
        catalog_file = project.folder / "conf" / "local" / "catalog.yml"
        kind = "animl_kedro.datasets.label_map.LabelMapDataset"
        label_map = {"type": kind, "filepath": str(project.folder / "conf" / "local" / "label_map.yml")}
        catalog_file.write_text(catalog_file.read_text() + json.dumps({"label_map": label_map})[1:-1])
        project.run()

    export = json.loads((REAL_IMAGES / "cct.json").read_text())
    catalog = project.catalog
    image_files = catalog.load("image_files").set_index("image_id")
    records = catalog.load("rejected_records")
    left_out = records.loc[records["record"] == "image", "record_id"]
    assert sorted([*image_files.index, *left_out]) == sorted(image["id"] for image in export["images"])
    assert set(image_files["status"]) == {"downloaded"}
    for image in (image for image in export["images"] if image["id"] in image_files.index):
        local = project.folder / "data" / "02_intermediate" / "images" / image_files.loc[image["id"], "path"]
        assert local.read_bytes() == (REAL_IMAGES / "archive" / image["serving_bucket_key"]).read_bytes()

    crops, rejected = catalog.load("crops"), catalog.load("rejected_boxes")
    assert {*crops["image_id"], *rejected["image_id"]} == set(image_files.index)
    not_used = records.loc[records["record"] == "annotation", "record_id"]
    annotation_ids = [*crops["annotation_id"], *rejected["annotation_id"].dropna(), *not_used]
    assert sorted(annotation_ids) == sorted(annotation["id"] for annotation in export["annotations"])
    assert rejected["reason"].str.len().gt(0).all()
    for crop_id in crops["crop_id"]:
        assert open_image(project.folder / "data" / "03_primary" / "crops" / crop_id).mode == "RGB"

    taken = [*catalog.load("labeled_crops")["crop_id"], *catalog.load("rejected_crops")["crop_id"]]
    assert sorted(taken) == sorted(crops["crop_id"])
    assert pd.notna(catalog.load("average_precision").query("label == 'macro'")["average_precision"]).any()
    shutil.rmtree(tmp_path / "data")
