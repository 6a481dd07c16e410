"""The sample island as Kedro datasets, drawn when it is first needed: the default data of a fresh clone."""

import atexit
import hashlib
import threading
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from kedro.io import AbstractDataset, DatasetError

from animl_kedro.datasets.image_archive import ImageArchive, ImageArchiveDataset
from animl_kedro.datasets.label_exports import LabelExportsDataset
from animl_kedro.formats.label_export import LabelExport
from animl_kedro.sample.archive import ARCHIVE, EXPORT, draw_island
from animl_kedro.sample.server import REGION, S3Server

NAME = "sample_island"
"""The data set's name."""

_servers: dict[Path, S3Server] = {}
"""The servers of this process, by the folder that they serve."""

_lock = threading.Lock()

Loaded = TypeVar("Loaded")


class _SampleIslandDataset(AbstractDataset[NoReturn, Loaded]):
    """What both datasets share: a folder to draw the island into, which can always be loaded and never be saved."""

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(path)
        self.metadata = metadata

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: the island is drawn, never written."""
        raise DatasetError(f"The sample island in {self._folder} is drawn: it is read, never written.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._folder)}


class SampleIslandExport(_SampleIslandDataset[dict[str, LabelExport]]):
    """The sample island's export, loaded as any other one.

    YAML example::

        animl_export:
          type: animl_kedro.sample.datasets.SampleIslandExport
          path: data/01_raw/sample_island

    Python example::

        exports = SampleIslandExport(path="data/01_raw/sample_island").load()
        len(exports["sample_island"].records.images)
    """

    def load(self) -> dict[str, LabelExport]:
        """Draw the island if it is not there, then read and parse its export."""
        with _lock:
            draw_island(self._folder)
        return self._export().load()

    def checksums(self) -> dict[str, str]:
        """SHA-256 of the export, by the data set's name. Raises OSError where it has not been drawn."""
        return self._export().checksums()

    def _export(self) -> LabelExportsDataset:
        return LabelExportsDataset(datasets={NAME: {"filepath": str(self._folder / EXPORT)}})


class SampleIslandArchive(_SampleIslandDataset[ImageArchive]):
    """The sample island's photographs behind an S3 API on this machine, loaded as any other archive.

    The server starts when the archive is first loaded, one for each process and folder, and ends with the process.

    YAML example::

        image_archive:
          type: animl_kedro.sample.datasets.SampleIslandArchive
          path: data/01_raw/sample_island

    Python example::

        archive = SampleIslandArchive(path="data/01_raw/sample_island").load()
        archive[next(iter(archive))].show()
    """

    def load(self) -> ImageArchive:
        """Draw the island if it is not there, serve it, and give the archive."""
        server = _served(self._folder)
        return ImageArchiveDataset(
            bucket=server.bucket, endpoint_url=server.endpoint_url, region=REGION, credentials=server.credentials
        ).load()


def _served(folder: Path) -> S3Server:
    """The server of the island in this folder, started if it is not running."""
    folder = folder.resolve()
    with _lock:
        draw_island(folder)
        if folder not in _servers:
            name = hashlib.md5(str(folder).encode(), usedforsecurity=False).hexdigest()[:8]
            _servers[folder] = S3Server(folder / ARCHIVE, f"sample-island-{name}")
            atexit.register(_servers[folder].stop)
        return _servers[folder]
