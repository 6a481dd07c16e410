"""Earlier divisions of locations as a Kedro dataset."""

from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from animl_kedro.datasets.file_store import FileStore
from animl_kedro.formats.location_splits import LocationSplits, read_location_splits


class LocationSplitsDataset(AbstractDataset[NoReturn, LocationSplits]):
    """Loads which location was in which split. It is never written.

    ``filepath`` is CameraTraps' ``splits.json``, or a list of test locations in JSON, or in CSV with the columns
    dataset and location; ``csv`` is the ``classification_ds.csv`` that belongs to it. Without a ``filepath``, what is
    loaded is empty. With ``newest_version``, the folder of the file is an entry that is versioned: its newest version
    is read, and what is loaded is empty where there is none yet.

    YAML example::

        fixed_test:
          type: animl_kedro.datasets.location_splits.LocationSplitsDataset
          filepath: data/01_raw/cameratraps/splits.json
          csv: data/01_raw/cameratraps/classification_ds.csv

    Python example::

        splits = LocationSplitsDataset(filepath="splits.json").load()
        splits.split_of["island", "Prisoners' Harbour"]
    """

    def __init__(
        self,
        *,
        filepath: str | None = None,
        csv: str | None = None,
        newest_version: bool = False,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if filepath is None and (csv is not None or newest_version):
            raise DatasetError("`csv` and `newest_version` belong to a `filepath`, and there is none.")
        self._store = None if filepath is None else FileStore(filepath, credentials)
        self._csv = None if csv is None else Path(csv)
        self._newest_version = newest_version
        self.metadata = metadata

    def load(self) -> LocationSplits:
        """Read the splits. Raises InputError where a file is absent or is not in one of the formats."""
        path = self._path()
        if self._store is None or path is None:
            return LocationSplits()
        with self._store.at_hand(path.parent, [path.name]) as folder:
            return read_location_splits(folder / path.name, self._csv)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: what is kept comes from before."""
        raise DatasetError(
            "Earlier splits are read, never written: classification_dataset is where a run writes its own."
        )

    def _path(self) -> PurePosixPath | None:
        """The file, or None where none is set, or there is no version yet."""
        if self._store is None:
            return None
        if not self._newest_version:
            return self._store.path
        self._store.forget()
        folder = self._store.path.parent
        versions = self._store.fs.glob(str(folder / "*" / folder.name / self._store.path.name))
        return PurePosixPath(max(versions)) if versions else None

    def _exists(self) -> bool:
        path = self._path()
        if self._store is None or path is None:
            return True
        return self._store.holds(path) and (self._csv is None or self._csv.is_file())

    def _describe(self) -> dict[str, Any]:
        filepath = self._store and self._store.address(self._store.path)
        return {"filepath": filepath, "csv": self._csv and str(self._csv)}
