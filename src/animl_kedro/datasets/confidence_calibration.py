"""The calibration of a detector's confidence as a Kedro dataset."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from animl_kedro.formats.calibration import AS_IT_IS, ConfidenceCalibration, read_calibration


class ConfidenceCalibrationDataset(AbstractDataset[NoReturn, ConfidenceCalibration]):
    """Loads CameraTraps' isotonic calibration, an .npz file with the arrays x and y. It is never written.

    Without a file, the confidence counts as it is.

    YAML example::

        confidence_calibration:
          type: animl_kedro.datasets.confidence_calibration.ConfidenceCalibrationDataset
          filepath: data/01_raw/mdv4_calibration.npz

    Python example::

        ConfidenceCalibrationDataset(filepath="calibration.npz").load().of(np.array([0.8, 0.95]))
    """

    def __init__(self, *, filepath: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = None if filepath is None else Path(filepath)
        self.metadata = metadata

    def load(self) -> ConfidenceCalibration:
        """Read the file, if one is set. Raises InputError where it is absent or no calibration."""
        return AS_IT_IS if self._filepath is None else read_calibration(self._filepath)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: a calibration comes from outside."""
        raise DatasetError("The calibration comes from outside: it is read, never written.")

    def _exists(self) -> bool:
        return self._filepath is None or self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": None if self._filepath is None else str(self._filepath)}
