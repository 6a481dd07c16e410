"""The cache of detectors' findings as a Kedro dataset."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from animl_kedro.formats.detector_cache import DetectorCache

__all__ = ["DetectorCache", "DetectorCacheDataset"]


class DetectorCacheDataset(AbstractDataset[NoReturn, DetectorCache]):
    """Gives a `DetectorCache`, which reads and writes a file a detector's version and data set.

    The pipeline writes into it while the detector runs, so that a run that is killed loses little; the dataset itself
    is never saved.

    YAML example::

        detector_cache:
          type: animl_kedro.datasets.detector_cache.DetectorCacheDataset
          path: data/02_intermediate/detector_cache

    Python example::

        cache = DetectorCacheDataset(path="data/02_intermediate/detector_cache").load()
        len(cache.read("5.0b", "santa_cruz_island")["images"])
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> DetectorCache:
        """Give the cache, whose folder need not be there yet."""
        return DetectorCache(self._path)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: the cache is written while the detector runs."""
        raise DatasetError(f"{self._path} is a cache: it is written to while the detector runs, not saved as a whole.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}
