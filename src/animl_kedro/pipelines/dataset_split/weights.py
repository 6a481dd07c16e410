"""How often each training crop is to be drawn: all classes alike, sure detections more often, or both.

Source: https://github.com/agentmorris/MegaDetector, megadetector/classification/train_utils.py, load_dataset_csv, but
for the validation and test crops, which are measured as they are.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.formats.calibration import ConfidenceCalibration
from animl_kedro.tables import SampleWeights, Split, with_splits

Floats = NDArray[np.float64]


def sample_weights(
    labeled_crops: pd.DataFrame, splits: pd.DataFrame, calibration: ConfidenceCalibration
) -> pd.DataFrame:
    """`SampleWeights` of the training crops, sorted by id, from the training crops alone.

    Raises InputError where the two tables are not of the same crops.
    """
    crops = with_splits(labeled_crops, splits)
    crops = crops[crops["split"] == Split.TRAIN].sort_values("crop_id")
    confidence = calibration.of(crops["confidence"].to_numpy(float))
    weights = {
        "crop_id": crops["crop_id"].to_numpy(),
        "label_weight": _balanced(np.ones(len(crops)), crops["label"]),
        "confidence_weight": _with_mean_1(confidence),
        "balanced_confidence_weight": _balanced(confidence, crops["label"]),
    }
    return SampleWeights.validate(pd.DataFrame(weights))


def _balanced(weights: Floats, labels: pd.Series) -> Floats:
    """The weights, scaled so that every class has the same sum, and the mean is 1.

    A class whose weights are all 0 keeps them.
    """
    sums = pd.Series(weights).groupby(labels.to_numpy()).transform("sum").to_numpy()
    return _with_mean_1(np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0))


def _with_mean_1(weights: Floats) -> Floats:
    return np.asarray(weights / weights.mean()) if weights.any() else weights
