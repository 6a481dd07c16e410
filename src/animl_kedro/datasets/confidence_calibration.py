"""The calibration of a detector's confidence as a Kedro dataset."""

from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from animl_kedro.datasets.input_file import InputFile
from animl_kedro.formats.calibration import AS_IT_IS, ConfidenceCalibration, read_calibration


class ConfidenceCalibrationDataset(AbstractDataset[NoReturn, ConfidenceCalibration]):
    """Loads CameraTraps' isotonic calibration, an .npz file with the arrays x and y. It is never written.

    ``filepath`` is a path, or a URL such as ``s3://bucket/calibration.npz``. Without one, the confidence counts as it
    is.

    YAML example::

        confidence_calibration:
          type: animl_kedro.datasets.confidence_calibration.ConfidenceCalibrationDataset
          filepath: data/01_raw/mdv4_calibration.npz

    Python example::

        ConfidenceCalibrationDataset(filepath="calibration.npz").load().of(np.array([0.8, 0.95]))
    """

    def __init__(self, *, filepath: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self._file = None if filepath is None else InputFile(filepath)
        self.metadata = metadata

    def load(self) -> ConfidenceCalibration:
        """Read the file, if one is set. Raises InputError where it is absent or no calibration."""
        if self._file is None:
            return AS_IT_IS
        with self._file.at_hand() as path:
            return read_calibration(path)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: a calibration comes from outside."""
        raise DatasetError("The calibration comes from outside: it is read, never written.")

    def _exists(self) -> bool:
        return self._file is None or self._file.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._file and self._file.address}
