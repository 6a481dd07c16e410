"""The calibration of a detector's confidence, as CameraTraps' `--weight-by-detection-conf` reads it.

Source: https://github.com/agentmorris/MegaDetector, megadetector/classification/train_utils.py, load_dataset_csv.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from animl_kedro.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ConfidenceCalibration:
    """The probability that a box shows an animal, by the detector's confidence: straight lines between points.

    ``x`` is (n_points,) confidences, rising, ``y`` (n_points,) probabilities. Beyond the points, those at the ends
    count, where CameraTraps fails.
    """

    x: Floats
    y: Floats

    def of(self, confidence: Floats) -> Floats:
        """The probabilities of confidences, (n,) each."""
        return np.interp(confidence, self.x, self.y)


AS_IT_IS = ConfidenceCalibration(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
"""The confidence is the probability."""


def read_calibration(path: Path) -> ConfidenceCalibration:
    """Read an .npz file with the arrays x and y.

    Raises InputError where it is absent or none, or where its numbers are no calibration.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            x, y = (np.asarray(arrays[name], dtype=float) for name in ("x", "y"))
    except FileNotFoundError as error:
        raise InputError(
            f"There is no calibration {path}: put the file there, or take filepath out of the catalog entry "
            "confidence_calibration."
        ) from error
    except (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no calibration, expected an .npz file with the arrays x and y: {error}") from error
    if fault := _fault_of(x, y):
        raise InputError(f"{path} is no calibration: {fault}.")
    order = np.argsort(x, kind="stable")  # as scipy's interp1d does it for CameraTraps
    return ConfidenceCalibration(x[order], y[order])


def _fault_of(x: Floats, y: Floats) -> str | None:
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        return f"x has the shape {x.shape} and y {y.shape}, expected two numbers or more in each, and as many"
    if not (np.isfinite(x).all() and ((y >= 0) & (y <= 1)).all()):
        return "x must be finite, and y from 0 to 1"
    return None
