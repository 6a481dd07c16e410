"""Earlier divisions of locations as a Kedro dataset."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

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
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if filepath is None and (csv is not None or newest_version):
            raise DatasetError("`csv` and `newest_version` belong to a `filepath`, and there is none.")
        self._filepath = None if filepath is None else Path(filepath)
        self._csv = None if csv is None else Path(csv)
        self._newest_version = newest_version
        self.metadata = metadata

    def load(self) -> LocationSplits:
        """Read the splits. Raises InputError where a file is absent or is not in one of the formats."""
        path = self._path()
        return LocationSplits() if path is None else read_location_splits(path, self._csv)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: what is kept comes from before."""
        raise DatasetError(
            "Earlier splits are read, never written: classification_dataset is where a run writes its own."
        )

    def _path(self) -> Path | None:
        if self._filepath is None or not self._newest_version:
            return self._filepath
        folder = self._filepath.parent
        versions = sorted(folder.glob(f"*/{folder.name}/{self._filepath.name}"))
        return versions[-1] if versions else None

    def _exists(self) -> bool:
        path = self._path()
        return path is None or (path.is_file() and (self._csv is None or self._csv.is_file()))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath and str(self._filepath), "csv": self._csv and str(self._csv)}
