"""The nodes of the ingestion pipeline."""

import logging
from typing import Any

import pandas as pd

from animl_kedro.datasets.image_archive import ImageArchive
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.pipelines.ingestion.parameters import IngestionParams
from animl_kedro.pipelines.ingestion.records import read_records

logger = logging.getLogger(__name__)


def read_export(export: CctExport, params: IngestionParams) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Turn the export's records into checked tables: images, annotations and what was rejected, with reasons."""
    tables = read_records(export, params)
    logger.info(
        "read %d of %d images and %d of %d annotations, %d rejected (%s), %d repaired (%s): see rejected_records",
        len(tables.images),
        len(export.images),
        len(tables.annotations),
        len(export.annotations),
        len(tables.rejected),
        _counts(tables.rejected["reason"].value_counts().to_dict()),
        tables.repairs.total(),
        _counts(tables.repairs),
    )
    return tables.images, tables.annotations, tables.rejected


def download_images(
    images: pd.DataFrame, archive: ImageArchive, store: ImageFolder, params: IngestionParams
) -> pd.DataFrame:
    """Download what is not there yet from the archive into the image store, and list every image's file."""
    # botocore takes a second to import: only this node pays for it
    from animl_kedro.pipelines.ingestion.downloading import download  # noqa: PLC0415

    manifest = download(images, archive, store, params.download_threads)
    logger.info(
        "%d images: %s, %.1f MB in %s",
        len(manifest),
        _counts(manifest["status"].value_counts().to_dict()),
        manifest["bytes"].sum() / 1e6,
        store.root,
    )
    return manifest


def check_downloads(image_files: pd.DataFrame, params: IngestionParams) -> dict[str, Any]:
    """Fail where more images are absent than the parameters tolerate; the manifest is saved by then.

    Raises InputError with the number of failures and the first of them.
    """
    failed = image_files[image_files["path"].isna()]
    fraction = len(failed) / max(len(image_files), 1)
    summary = {"images": len(image_files), "failed": len(failed), "failed_fraction": fraction}
    if fraction > params.max_failed_fraction:
        raise InputError(
            f"{len(failed)} of {len(image_files)} images could not be downloaded ({fraction:.1%}, tolerated are "
            f"{params.max_failed_fraction:.1%}); the first: {failed['error'].iloc[0]}. All are listed in image_files. "
            "Run the pipeline again to fetch what is absent, or raise ingestion.max_failed_fraction."
        )
    logger.info(
        "%d of %d images are absent (%.1f %% tolerated)",
        len(failed),
        len(image_files),
        100 * params.max_failed_fraction,
    )
    return summary


def _counts(counts: dict[Any, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
