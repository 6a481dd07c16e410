"""The nodes of the ingestion pipeline."""

import logging
from collections import Counter
from typing import Any

import pandas as pd

from animl_kedro.datasets.image_archive import ImageArchive, ImageArchives
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.errors import InputError
from animl_kedro.formats.label_export import LabelExport
from animl_kedro.garbage import no_garbage_collection
from animl_kedro.pipelines.ingestion.parameters import IngestionParams
from animl_kedro.pipelines.ingestion.records import ExportTables, read_records
from animl_kedro.pipelines.ingestion.selection import select

logger = logging.getLogger(__name__)


def read_export(
    exports: dict[str, LabelExport], params: IngestionParams
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Turn the exports' records into checked tables: images, annotations and what is left out, with reasons."""
    with no_garbage_collection():
        tables = select(read_records(exports, params), params.selection).tables()
    images = sum(len(export.records.images) for export in exports.values())
    annotations = sum(len(export.records.annotations) for export in exports.values())
    logger.info(
        "%s; %s; %d repaired or incomplete (%s): see rejected_records",
        _account("image", images, tables.images, tables),
        _account("annotation", annotations, tables.annotations, tables),
        tables.repairs.total(),
        _counts(tables.repairs),
    )
    return tables.images, tables.annotations, tables.rejected


def download_images(
    images: pd.DataFrame, archive: ImageArchive | ImageArchives, store: ImageFolder, params: IngestionParams
) -> pd.DataFrame:
    """Download what is not there yet from the archives into the image store, and list every image's file."""
    # botocore takes a second to import: only this node pays for it
    if params.dry_run:
        from animl_kedro.pipelines.ingestion.planning import describe_plan, plan_downloads  # noqa: PLC0415

        plans, manifest = plan_downloads(images, archive, store, params.download)
        for plan in plans:
            logger.info("dry run, %s", describe_plan(plan))
        return manifest
    from animl_kedro.pipelines.ingestion.downloading import download  # noqa: PLC0415

    manifest = download(images, archive, store, params.download)
    logger.info(
        "%d images: %s, %.1f MB in %s",
        len(manifest),
        _counts(Counter(manifest["status"])),
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
    if params.dry_run:
        return summary
    tolerated = params.download.max_failed_fraction
    if fraction > tolerated:
        raise InputError(
            f"{len(failed)} of {len(image_files)} images could not be downloaded ({fraction:.1%}, tolerated are "
            f"{tolerated:.1%}); the first: {failed['error'].iloc[0]}. All are listed in image_files. "
            "Run the pipeline again to fetch what is absent, or raise ingestion.download.max_failed_fraction."
        )
    logger.info("%d of %d images are absent (%.1f %% tolerated)", len(failed), len(image_files), 100 * tolerated)
    return summary


def _account(kind: str, read: int, kept: pd.DataFrame, tables: ExportTables) -> str:
    """What became of the records of a kind, in words, with sums that have been checked."""
    rejected = tables.rejected[tables.rejected["record"] == kind]
    if read != len(kept) + len(rejected):
        raise AssertionError(f"of {read} {kind}s, {len(kept)} are kept and {len(rejected)} rejected: some are lost")
    reasons = f" ({_counts(Counter(rejected['reason']))})" if len(rejected) else ""
    return f"{read} {kind}s: {len(kept)} kept, {len(rejected)} rejected{reasons}"


def _counts(counts: Counter[Any]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
