"""Crops in a bucket are those of a local folder: made once, made again where they changed, and removed as they are."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from animl_kedro import executors
from animl_kedro.datasets.image_folder import ImageFolderDataset
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.crop_ledger import LEDGER
from animl_kedro.sample.server import serve_folder
from crop_scenes import Scene, scene
from factories import cropping_params, make_annotations
from s3_servers import rclone_server

BUCKET = "photographs"
LABELS = make_annotations(
    {"image": 0, "label": "fox", "box": (0, 0, 20, 20)},
    {"image": 1, "label": "fox", "box": (60, 40, 50, 30)},
    {"image": 1, "label": "bird", "box": (150, 100, 20, 50)},
    {"image": 2, "label": "bird", "box": (100, 100, 40, 40)},
)


@pytest.fixture(params=["moto", "rclone"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ImageFolder]:
    """A crop folder in a bucket of a server."""
    served = tmp_path / "served"
    (served / BUCKET).mkdir(parents=True)
    server = serve_folder(served / BUCKET, BUCKET) if request.param == "moto" else rclone_server(served)
    with server as running:
        fs_args = {"endpoint_url": running.endpoint_url, "region_name": "us-east-1"}
        path = f"s3://{BUCKET}/crops"
        yield ImageFolderDataset(path=path, credentials=running.credentials, fs_args=fs_args).load()


def contents(folder: ImageFolder) -> dict[str, bytes]:
    return {path: folder.read(path) for path in folder}


def local_and_remote(tmp_path: Path, bucket: ImageFolder) -> tuple[Scene, Scene]:
    here = scene(tmp_path, LABELS)
    return here, replace(here, crops=bucket)


def test_crops_in_a_bucket_are_those_of_a_local_folder_and_made_once(tmp_path: Path, bucket: ImageFolder) -> None:
    here, there = local_and_remote(tmp_path, bucket)
    expected, made = here.make(), there.make()
    assert (made.crops, made.rejected, made.orphans) == (expected.crops, [], [])
    assert contents(bucket) == contents(here.crops)
    again = there.make()
    assert (again.made, again.crops) == (0, expected.crops)


def test_crops_in_a_bucket_are_made_by_several_processes(
    tmp_path: Path, bucket: ImageFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = local_and_remote(tmp_path, bucket)
    monkeypatch.setattr(executors, "FEW_TASKS", 2)
    assert there.make(processes=2).crops == here.make().crops
    assert contents(bucket) == contents(here.crops)


def test_crops_in_a_bucket_are_made_again_where_they_changed_and_found_without_a_ledger(
    tmp_path: Path, bucket: ImageFolder
) -> None:
    here, there = local_and_remote(tmp_path, bucket)
    first = there.make()
    bucket.remove(LEDGER)
    bucket.write(first.crops[0]["crop_id"], b"damaged")
    assert there.make().made == 1
    assert (there.make(margin=0.1).made, there.make(margin=0.1).made) == (4, 0)
    here.make(margin=0.1)
    assert contents(bucket) == contents(here.crops)


def test_crops_in_a_bucket_that_no_box_belongs_to_are_listed_and_those_that_show_people_removed(
    tmp_path: Path, bucket: ImageFolder
) -> None:
    _, there = local_and_remote(tmp_path, bucket)
    there.make()
    person = make_annotations({"image": 1, "label": "person", "annotation_id": "label-0001"})
    there.annotations = pd.concat([LABELS.iloc[:1], person])
    made = there.run_nodes()
    gone = "island/camera/0002.jpg___crop00.jpg"
    assert list(made.orphans["crop_id"]) == [gone]
    assert list(bucket) == [*made.crops["crop_id"], gone]
    there.run_nodes(cropping_params(remove_orphans=True))
    assert list(bucket) == list(made.crops["crop_id"])
