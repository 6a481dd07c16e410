"""The nodes of the ingestion: what they log, what they refuse, and the pipeline from an export to a manifest."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from animl_kedro.datasets.image_archive import ImageArchiveDataset
from animl_kedro.datasets.image_folder import ImageFolder, ImageFolderDataset
from animl_kedro.datasets.label_exports import LabelExportsDataset
from animl_kedro.errors import InputError
from animl_kedro.pipelines.ingestion import create_pipeline
from animl_kedro.pipelines.ingestion.nodes import check_downloads, download_images, read_export
from animl_kedro.pipelines.ingestion.parameters import DownloadParams, IngestionParams
from animl_kedro.sample.server import S3Server, serve_folder
from animl_kedro.tables import FileStatus, ImageFiles
from factories import (
    annotation_record,
    catalog_of,
    export_bytes,
    exports_of,
    image_id,
    image_record,
    ingestion_params,
    make_export,
    make_image_files,
    make_images,
    write_jpeg,
)

LOGGER = "animl_kedro.pipelines.ingestion.nodes"


def tolerating(fraction: float) -> IngestionParams:
    """Parameters under which such a fraction of the images may be absent."""
    return IngestionParams(download=DownloadParams(max_failed_fraction=fraction))


def manifest_with(failed: int, images: int) -> pd.DataFrame:
    """A manifest in which the first images have no file."""
    return ImageFiles.of(
        [
            {
                "image_id": image_id(number),
                "key": f"key-{number}",
                "path": None if number < failed else f"{number}.jpg",
                "status": FileStatus.MISSING if number < failed else FileStatus.PRESENT,
                "error": f"no key-{number}" if number < failed else None,
            }
            for number in range(images)
        ]
    )


def test_read_export_logs_one_line_with_all_counts(caplog: pytest.LogCaptureFixture) -> None:
    labels = [
        annotation_record(0, bbox=[-1, 0, 9, 9]),
        annotation_record(1, validated=False),
        annotation_record(2, category_id=9),
    ]
    with caplog.at_level(logging.INFO, logger=LOGGER):
        images, annotations, rejected = read_export(exports_of(make_export(3, labels)), ingestion_params())
    assert [len(table) for table in (images, annotations, rejected)] == [1, 1, 4]
    assert caplog.messages == [
        "3 images: 1 kept, 2 rejected (2 no_label); 3 annotations: 1 kept, 2 rejected (1 not_validated, "
        "1 unknown_category); 1 repaired or incomplete (1 box_clipped): see rejected_records"
    ]


def test_check_downloads_above_the_tolerance_names_the_counts_and_the_first_failure() -> None:
    with pytest.raises(InputError) as caught:
        check_downloads(manifest_with(3, 30), tolerating(0.05))
    message = str(caught.value)
    assert "3 of 30 images could not be downloaded (10.0%, tolerated are 5.0%)" in message
    assert "the first: no key-0." in message
    assert "Run the pipeline again" in message


@pytest.mark.parametrize(("failed", "tolerated"), [(0, 0), (3, 0.1), (30, 1), (3, 0.5)])
def test_check_downloads_up_to_the_tolerance_gives_the_counts(failed: int, tolerated: float) -> None:
    summary = check_downloads(manifest_with(failed, 30), tolerating(tolerated))
    assert summary == {"images": 30, "failed": failed, "failed_fraction": failed / 30}


def test_check_downloads_of_no_images_passes() -> None:
    summary = check_downloads(manifest_with(0, 0), tolerating(0))
    assert summary == {"images": 0, "failed": 0, "failed_fraction": 0}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An archive of the first two of three images."""
    folder = tmp_path_factory.mktemp("archive")
    for number in range(2):
        write_jpeg(folder / image_record(number)["serving_bucket_key"])
    with serve_folder(folder, "ingested") as server:
        yield server


def project_catalog(folder: Path, server: S3Server, params: IngestionParams) -> DataCatalog:
    """The project's catalog of the ingestion with this export and archive."""
    (folder / "export.json").write_bytes(export_bytes(make_export(3)))
    catalog = catalog_of("ingestion", folder / "tables")
    catalog["animl_export"] = LabelExportsDataset(datasets={"island": {"filepath": str(folder / "export.json")}})
    catalog["image_archive"] = ImageArchiveDataset(
        bucket=server.bucket, endpoint_url=server.endpoint_url, credentials=server.credentials
    )
    catalog["image_store"] = ImageFolderDataset(path=str(folder / "store"))
    catalog["params:ingestion"] = MemoryDataset(params)
    return catalog


def test_pipeline_with_a_missing_image_within_the_tolerance_ends_well(tmp_path: Path, served: S3Server) -> None:
    catalog = project_catalog(tmp_path, served, tolerating(0.5))
    SequentialRunner().run(create_pipeline(), catalog)
    summary: Any = catalog.load("download_summary")
    assert (summary["images"], summary["failed"]) == (3, 1)
    assert list(catalog.load("image_store")) == ["island/camera/0000.jpg", "island/camera/0001.jpg"]


def test_pipeline_with_too_many_missing_images_fails_after_its_manifest_is_saved(
    tmp_path: Path, served: S3Server
) -> None:
    catalog = project_catalog(tmp_path, served, tolerating(0.1))
    with pytest.raises(InputError, match="1 of 3 images could not be downloaded"):
        SequentialRunner().run(create_pipeline(), catalog)
    manifest = catalog.load("image_files")
    assert list(manifest["status"]) == [FileStatus.DOWNLOADED, FileStatus.DOWNLOADED, FileStatus.MISSING]
    assert not catalog.exists("download_summary")


def test_download_images_logs_what_became_of_them(
    tmp_path: Path, served: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    archive = ImageArchiveDataset(
        bucket=served.bucket, endpoint_url=served.endpoint_url, credentials=served.credentials
    ).load()
    store = ImageFolder(tmp_path / "store")
    images = make_images(3)
    with caplog.at_level(logging.INFO, logger=LOGGER):
        manifest = download_images(images, archive, store, ingestion_params())
    assert caplog.messages == [f"3 images: 2 downloaded, 1 missing, 0.0 MB in {store.root}"]
    expected = make_image_files(images, store)
    columns = ["image_id", "path", "bytes", "checksum", "status"]
    pd.testing.assert_frame_equal(manifest[columns], expected[columns])
