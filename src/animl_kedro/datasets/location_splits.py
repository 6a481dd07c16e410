"""Earlier divisions of locations as a Kedro dataset."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from animl_kedro.datasets.file_store import FileStore
from animl_kedro.datasets.input_file import InputFile
from animl_kedro.formats.location_splits import LocationSplits, read_location_splits


class LocationSplitsDataset(AbstractDataset[NoReturn, LocationSplits]):
    """Loads which location was in which split. It is never written.

    ``filepath`` is CameraTraps' ``splits.json``, or a list of test locations in JSON, or in CSV with the columns
    dataset and location; ``csv`` is the ``classification_ds.csv`` that belongs to it. Without a ``filepath``, what is
    loaded is empty. With ``newest_version``, the folder of the file is an entry that is versioned: its newest version
    is read, and what is loaded is empty where there is none yet. Both are paths, or URLs such as
    ``s3://bucket/splits.json``.

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
        self._file = None if filepath is None else InputFile(filepath, credentials)
        self._csv = None if csv is None else InputFile(csv, credentials)
        self._versions_of = FileStore(filepath, credentials) if filepath and newest_version else None
        self._credentials = credentials
        self.metadata = metadata

    def load(self) -> LocationSplits:
        """Read the splits. Raises InputError where a file is absent or is not in one of the formats."""
        file = self._found()
        if file is None:
            return LocationSplits()
        with file.at_hand() as path, self._csv.at_hand() if self._csv else nullcontext() as csv:
            return replace(read_location_splits(path, csv), source=file.address)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: what is kept comes from before."""
        raise DatasetError(
            "Earlier splits are read, never written: classification_dataset is where a run writes its own."
        )

    def _found(self) -> InputFile | None:
        """The file, or None where none is set, or there is no version yet."""
        store = self._versions_of
        if store is None:
            return self._file
        store.forget()
        folder = store.path.parent
        versions = store.fs.glob(str(folder / "*" / folder.name / store.path.name))
        return InputFile(store.address(PurePosixPath(max(versions))), self._credentials) if versions else None

    def _exists(self) -> bool:
        file = self._found()
        return file is None or (file.exists() and (self._csv is None or self._csv.exists()))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._file and self._file.address, "csv": self._csv and self._csv.address}
