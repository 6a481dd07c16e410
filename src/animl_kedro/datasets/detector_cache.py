"""The cache of detectors' findings as a Kedro dataset."""

from pathlib import Path

from animl_kedro.datasets.working_folder import FolderOfWorkDataset
from animl_kedro.formats.detector_cache import DetectorCache

__all__ = ["DetectorCache", "DetectorCacheDataset"]


class DetectorCacheDataset(FolderOfWorkDataset[DetectorCache]):
    """Gives a `DetectorCache`, which reads and writes a file a detector's version and data set.

    YAML example::

        detector_cache:
          type: animl_kedro.datasets.detector_cache.DetectorCacheDataset
          path: data/02_intermediate/detector_cache

    Python example::

        cache = DetectorCacheDataset(path="data/02_intermediate/detector_cache").load()
        len(cache.read("5.0b", "santa_cruz_island")["images"])
    """

    def _open(self, path: Path) -> DetectorCache:
        return DetectorCache(path)
