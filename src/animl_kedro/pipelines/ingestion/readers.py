"""Readers of the archives that hold the data sets' images."""

from threading import Lock

from animl_kedro.datasets.image_archive import ImageArchive, ImageArchives
from animl_kedro.datasets.object_reader import ObjectReader
from animl_kedro.pipelines.ingestion.parameters import DownloadParams


class Readers:
    """A reader a data set, made when something is first to be fetched: before that, no credentials are needed."""

    def __init__(self, archive: ImageArchive | ImageArchives, params: DownloadParams) -> None:
        self._archive = archive
        self._params = params
        self._readers: dict[str, ObjectReader] = {}
        self._making = Lock()

    def stop(self) -> None:
        """Try nothing again from now on."""
        for reader in list(self._readers.values()):
            reader.stop()

    def of_dataset(self, dataset: str) -> ObjectReader:
        """The reader of a data set's archive.

        Raises InputError where there is no archive for it, or there are no credentials to be found.
        """
        if (reader := self._readers.get(dataset)) is not None:
            return reader
        with self._making:
            if dataset not in self._readers:
                self._readers[dataset] = self._archive.of_dataset(dataset).reader(
                    attempts=self._params.attempts, stall_timeout_s=self._params.stall_timeout_s
                )
            return self._readers[dataset]
