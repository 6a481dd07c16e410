"""Kedro's hook that writes the manifest of every run through the catalog."""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any, Protocol, cast, runtime_checkable

from kedro.framework.hooks import hook_impl
from kedro.io import AbstractVersionedDataset, DataCatalog, DatasetError, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from animl_kedro.run_manifest.privacy import secrets_in
from animl_kedro.run_manifest.record import RunRecord

logger = logging.getLogger(__name__)

ENTRY = "run_manifest"
EXPORT, FROM_EXPORT = "animl_export", "images"
"""The entry whose files' checksums are told, and what is made of them."""


@runtime_checkable
class Checksummed(Protocol):
    """A dataset that can tell the checksums of its files."""

    def checksums(self) -> dict[str, str]:
        """SHA-256 by data set."""
        ...


class RunManifestHook:
    """Notes what a run does, and saves it as `run_manifest` at the run's end, also where that is an error.

    A run that is killed, or was refused before its first node, leaves none. Kedro's ParallelRunner tells hooks nothing
    of nodes and datasets: they are named then, but without times, rows and checksums.
    """

    def __init__(self) -> None:
        self._record: RunRecord | None = None
        self._parameters: Mapping[str, Any] = {}
        self._secrets: set[str] = set()
        self._catalog: DataCatalog | None = None
        self._exports_read: dict[str, Any] = {}
        self._exports: dict[str, Any] | None = None

    @hook_impl
    def after_catalog_created(self, conf_creds: dict[str, Any], parameters: dict[str, Any]) -> None:
        """Keep what the catalog was made with."""
        self._secrets = secrets_in(conf_creds)
        self._parameters = parameters["parameters"]

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Begin a record."""
        nodes = [node.name for node in pipeline.nodes]
        self._record = RunRecord(run_params, self._parameters, nodes, self._secrets)
        self._catalog, self._exports_read, self._exports = catalog, {}, None

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Note the time."""
        if self._record:
            self._record.begin_node(node.name)

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Note the time that it took."""
        if self._record:
            self._record.end_node(node.name)

    @hook_impl
    def on_node_error(self, node: Node) -> None:
        """Note which node failed."""
        if self._record:
            self._record.failed_node = node.name

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Note the rows of a table, and the checksums of the exports as they have just been read."""
        if self._record is None or self._catalog is None or dataset_name.startswith("param"):
            return
        self._record.loaded.add(dataset_name)
        self._note_rows(dataset_name, data)
        dataset = self._catalog[dataset_name] if dataset_name == EXPORT else None
        if isinstance(dataset, Checksummed):
            self._exports_read = {
                name: {"sha256": checksum, "read_by": self._record.run_params["run_id"]}
                for name, checksum in dataset.checksums().items()
            }

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Note the rows of a table, and that the images are of the exports that were read."""
        if self._record is None:
            return
        self._record.saved.add(dataset_name)
        self._note_rows(dataset_name, data)
        if dataset_name == FROM_EXPORT:
            self._exports = self._exports_read

    @hook_impl
    def after_pipeline_run(self, catalog: DataCatalog) -> None:
        """Save the manifest of a run that ended well."""
        self._save(catalog, None)

    @hook_impl
    def on_pipeline_error(self, error: Exception, catalog: DataCatalog) -> None:
        """Save the manifest of a run that failed. That it cannot be saved must not hide why the run failed."""
        try:
            self._save(catalog, error)
        except DatasetError as fault:
            logger.warning("The manifest of this run could not be saved: %s", fault)

    def _note_rows(self, name: str, data: Any) -> None:
        if self._record and hasattr(data, "columns") and hasattr(data, "index"):  # a table of pandas'
            self._record.rows[name] = len(data)

    def _save(self, catalog: DataCatalog, error: Exception | None) -> None:
        record, self._record, self._catalog = self._record, None, None
        if record is None or ENTRY not in catalog or isinstance(catalog[ENTRY], MemoryDataset):
            return
        exports = _earlier_exports(catalog) if self._exports is None else self._exports
        catalog.save(ENTRY, record.manifest(exports, self._datasets(record, catalog), error))

    def _datasets(self, record: RunRecord, catalog: DataCatalog) -> dict[str, Any]:
        """What the run read and wrote: its version, or the checksum of its file, and the rows of tables."""
        described = {}
        for name in sorted(record.loaded | record.saved):
            if name not in catalog or isinstance(catalog[name], MemoryDataset):
                continue
            entry = catalog.config_resolver.resolve_pattern(name)
            told = {
                "saved": name in record.saved,
                "version": _version(catalog[name], saved=name in record.saved),
                "sha256": None if entry.get("versioned") else _checksum(entry.get("filepath")),
                "rows": record.rows.get(name),
            }
            described[name] = {key: value for key, value in told.items() if value is not None}
        return described


def _version(dataset: Any, *, saved: bool) -> str | None:
    if not isinstance(dataset, AbstractVersionedDataset) or not dataset._version:
        return None
    try:
        return dataset.resolve_save_version() if saved else dataset.resolve_load_version()
    except DatasetError:  # of an entry that may be loaded where there is no version
        return None


def _checksum(filepath: Any) -> str | None:
    """SHA-256 of the one file of an entry that has no versions, or None where that cannot be told."""
    import fsspec  # noqa: PLC0415 - at the end of a run, where it has been imported

    try:
        with fsspec.open(filepath, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except Exception:  # absent, a folder, or of a store with errors and credentials of its own
        return None


def _earlier_exports(catalog: DataCatalog) -> dict[str, Any]:
    """The exports that the images are of, as the newest manifest tells: this run has read none."""
    dataset = cast("AbstractVersionedDataset[Any, Any]", catalog[ENTRY])
    try:
        exports = dataset.load().get("exports") if dataset.exists() else None
    except (DatasetError, AttributeError):  # a damaged one
        exports = None
    finally:
        dataset.release()  # the version that is to be saved is the newest
    return exports if isinstance(exports, dict) else {}
