"""Predictions of an earlier version, or of another classifier, as a Kedro dataset."""

from pathlib import PurePosixPath
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from animl_kedro.datasets.file_store import FileStore
from animl_kedro.datasets.input_file import InputFile
from animl_kedro.formats.earlier_predictions import (
    NO_EARLIER_PREDICTIONS,
    EarlierPredictions,
    read_earlier_predictions,
)

PREVIOUS = "previous"


class EarlierPredictionsDataset(AbstractDataset[NoReturn, EarlierPredictions]):
    """Loads what the classifier is compared with. It is never written.

    ``filepath`` is a file of predictions: Parquet, CSV, or CameraTraps' ``outputs_test.csv.gz``. With an
    ``earlier_version``, it is an entry that is versioned, such as ``predictions``: a timestamp is that version,
    ``previous`` the one before the version that is reported. Where there is no previous one, or no ``filepath``, what
    is loaded is empty.

    YAML example::

        earlier_predictions:
          type: animl_kedro.datasets.earlier_predictions.EarlierPredictionsDataset
          filepath: data/07_model_output/predictions.parquet
          earlier_version: previous # or 2026-11-26T06.30.23.123Z

        earlier_predictions:
          type: animl_kedro.datasets.earlier_predictions.EarlierPredictionsDataset
          filepath: data/01_raw/cameratraps/outputs_test.csv.gz

    Python example::

        EarlierPredictionsDataset(filepath="outputs_test.csv.gz").load().table
    """

    def __init__(
        self,
        *,
        filepath: str | None = None,
        earlier_version: str | None = None,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if filepath is None and earlier_version is not None:
            raise DatasetError("`earlier_version` belongs to a `filepath`, and there is none.")
        self._store = None if filepath is None else FileStore(filepath, credentials)
        self._credentials = credentials
        self._version = earlier_version
        self._reported: str | None = None
        self.metadata = metadata

    def report_version(self, version: str) -> None:
        """Take the version before this one, and not before the newest, for the previous one."""
        self._reported = version

    def load(self) -> EarlierPredictions:
        """Read the predictions. Raises InputError where the file is absent or is not in one of the formats."""
        file = self._file()
        if file is None:
            return NO_EARLIER_PREDICTIONS
        # without the folders above, which are this machine's and which results would tell
        source = "/".join(PurePosixPath(file.address).parts[-1 if self._version is None else -2 :])
        with file.at_hand() as path:
            return read_earlier_predictions(path, source)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: what is compared with comes from before."""
        raise DatasetError("Earlier predictions are read, never written.")

    def _file(self) -> InputFile | None:
        """The file, or None where none is set, or there is no previous version."""
        if self._store is None or self._version != PREVIOUS:
            return self._named_file()
        self._store.forget()
        found = self._store.fs.glob(str(self._store.path / "*" / self._store.path.name))
        versions = {PurePosixPath(path).parent.name: PurePosixPath(path) for path in found}
        reported = self._reported or max(versions, default="")
        before = [version for version in versions if version < reported]
        return InputFile(self._store.address(versions[max(before)]), self._credentials) if before else None

    def _named_file(self) -> InputFile | None:
        """The file, or that of a version; the entry itself for the previous one, or None where none is set."""
        if self._store is None:
            return None
        path = self._store.path
        named = path if self._version in (None, PREVIOUS) else path / str(self._version) / path.name
        return InputFile(self._store.address(named), self._credentials)

    def _exists(self) -> bool:
        file = self._file()
        return file is None or file.exists()

    def _describe(self) -> dict[str, Any]:
        file = self._named_file()
        return {"filepath": file and file.address, "earlier_version": self._version}
