"""A plan tells what a download would bring, and touches nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from animl_kedro.datasets.image_archive import ImageArchive
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.errors import InputError
from animl_kedro.pipelines.ingestion import planning
from animl_kedro.pipelines.ingestion.downloading import download
from animl_kedro.pipelines.ingestion.parameters import DownloadParams
from animl_kedro.pipelines.ingestion.planning import DatasetPlan, describe_plan, plan_downloads
from animl_kedro.sample.server import S3Server, serve_folder
from animl_kedro.tables import FileStatus
from archives import archive_of, content_of, write_archive
from factories import DATASET, make_images

IMAGES = 20
MISSING = (3, 7)
PARAMS = DownloadParams(threads=4, attempts=1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder, make_images(IMAGES), MISSING)
    with serve_folder(folder, "planned") as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> ImageFolder:
    return ImageFolder(tmp_path / "store")


def plan(images: pd.DataFrame, archive: ImageArchive, store: ImageFolder) -> tuple[DatasetPlan, pd.DataFrame]:
    """The plan of a single data set."""
    plans, manifest = plan_downloads(images, archive, store, PARAMS)
    assert len(plans) == 1
    return plans[0], manifest


def test_plan_of_a_small_archive_knows_its_bytes_and_touches_nothing(served: S3Server, store: ImageFolder) -> None:
    images = make_images(IMAGES)
    found, manifest = plan(images, archive_of(served), store)
    assert found.dataset == DATASET
    assert (found.images, found.sampled, found.failed) == (IMAGES, IMAGES, len(MISSING))
    assert found.absent == tuple(images["key"])
    assert found.bytes == sum(len(content_of(key)) for number, key in enumerate(images["key"]) if number not in MISSING)
    assert found.seconds is not None
    assert found.seconds > 0
    assert "has no key" in str(found.error)
    assert set(manifest["status"]) == {FileStatus.MISSING}
    assert not store.root.exists()


def test_plan_counts_what_is_there_by_ledger_or_by_file(served: S3Server, store: ImageFolder) -> None:
    images = make_images(IMAGES)
    download(images.iloc[8:12], archive_of(served), store, PARAMS)
    strange = store.path_of(f"{DATASET}/{images['file_name'][0]}")
    strange.write_bytes(b"brought along")
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*")}
    found, manifest = plan(images, archive_of(served), store)
    assert len(found.absent) == IMAGES - 5
    assert manifest.index[manifest["status"] == FileStatus.PRESENT].tolist() == [0, 8, 9, 10, 11]
    assert {path: path.stat().st_mtime_ns for path in store.root.rglob("*")} == before


def test_plan_with_everything_there_needs_no_archive(served: S3Server, store: ImageFolder) -> None:
    images = make_images(IMAGES).drop(index=list(MISSING))
    download(images, archive_of(served), store, PARAMS)
    found, _ = plan(images, archive_of(served, endpoint_url="http://127.0.0.1:1", credentials=None), store)
    assert (found.absent, found.sampled, found.bytes) == ((), 0, None)
    assert describe_plan(found) == f"{DATASET}: 18 images, 18 there, 0 to download"


def test_plan_of_a_large_archive_is_drawn_from_a_sample(
    served: S3Server, store: ImageFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SAMPLED", 5)
    images = make_images(IMAGES).drop(index=list(MISSING))
    found, _ = plan(images, archive_of(served), store)
    assert (found.sampled, found.failed) == (5, 0)
    total = sum(len(content_of(key)) for key in images["key"])
    assert found.bytes == pytest.approx(total, rel=0.9)
    assert found.bytes != total


def test_plan_stops_its_sample_when_that_takes_long(
    served: S3Server, store: ImageFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SECONDS", 0)
    images = make_images(IMAGES).drop(index=list(MISSING))
    found, _ = plan(images, archive_of(served), store)
    assert found.sampled == 1
    assert found.bytes is not None
    assert found.bytes % len(images) == 0


def test_plan_without_a_single_image_that_can_be_had_gives_the_reason(served: S3Server, store: ImageFolder) -> None:
    found, _ = plan(make_images(IMAGES).iloc[[3]], archive_of(served), store)
    assert (found.bytes, found.seconds) == (None, None)
    assert "none of the 1 tried can be had, the first: s3://planned has no key" in describe_plan(found)


def test_plan_without_credentials_is_refused(served: S3Server, store: ImageFolder) -> None:
    with pytest.raises(InputError, match="no credentials"):
        plan_downloads(make_images(3), archive_of(served, credentials=None), store, PARAMS)


def test_plans_are_made_for_each_data_set(served: S3Server, store: ImageFolder) -> None:
    images = make_images(4, dataset=["south", "north", "south", "south"])
    plans, _ = plan_downloads(images, archive_of(served), store, PARAMS)
    assert [(found.dataset, found.images) for found in plans] == [("north", 1), ("south", 3)]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {},
            "island: 1,000 images, 990 there, 10 to download, about 8.0 MB in 5.0 s (from 4 fetched on trial); "
            "to be fetched: k0, k1, k2, k3, k4 and 5 more",
        ),
        ({"seconds": 600}, "in 10 min (from 4"),
        ({"seconds": 36_000}, "in 10.0 h (from 4"),
        ({"failed": 1, "error": "no key"}, "(from 3 fetched on trial; 1 of 4 could not be had, the first: no key)"),
    ],
)
def test_plan_in_words_says_how_much_and_how_long(changes: dict[str, Any], text: str) -> None:
    keys = tuple(f"k{number}" for number in range(10))
    found = DatasetPlan("island", 1000, keys, sampled=4, failed=0, bytes=8e6, seconds=5.0, error=None)
    assert text in describe_plan(found._replace(**changes))


def test_plan_counts_a_file_that_is_not_the_one_of_the_ledger_as_absent(served: S3Server, store: ImageFolder) -> None:
    images = make_images(IMAGES).drop(index=list(MISSING))
    download(images, archive_of(served), store, PARAMS)
    store.path_of(f"{DATASET}/{images['file_name'][0]}").write_bytes(b"other")
    changed = images.assign(key=images["key"].where(images.index != 1, images["key"][0]))
    found, _ = plan(changed, archive_of(served), store)
    assert found.absent == (images["key"][0], images["key"][0])
