"""The crops of a training: whether all can be read, and how often each is drawn."""

import numpy as np
import pandas as pd

from animl_kedro.classifier.squares import open_crop
from animl_kedro.errors import InputError
from animl_kedro.image_folder import ImageFolder
from animl_kedro.images import UnreadableImageError
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.progress import track
from animl_kedro.threads import in_order

CHECKED_AHEAD = 256
"""Crops whose check is begun before that of the first has ended."""


def check_crops(crop_ids: pd.Series, crop_images: ImageFolder) -> None:
    """Read every crop to its end, in threads, but make pictures of none.

    Raises InputError that names the first crop which training would stumble over, and tells how many there are.
    """
    faults = in_order(lambda crop_id: _fault_of(crop_id, crop_images), crop_ids, CHECKED_AHEAD)
    shown = track(faults, "checking crops", total=len(crop_ids))
    damaged = [(crop_id, fault) for crop_id, fault in zip(crop_ids, shown, strict=True) if fault]
    if damaged:
        crop_id, fault = damaged[0]
        raise InputError(
            f"{len(damaged)} of {len(crop_ids)} crops in {crop_images} cannot be read, the first is {crop_id} "
            f"({fault}). Make them again: kedro run --pipeline=detection_cropping"
        )


def _fault_of(crop_id: str, crop_images: ImageFolder) -> str | None:
    try:
        open_crop(crop_id, crop_images.read).check()
    except UnreadableImageError as error:
        return str(error)
    return None


def drawing_weights(crops: pd.DataFrame, sample_weights: pd.DataFrame, params: ModelingParams) -> np.ndarray | None:
    """How often each training crop is drawn, (n_crops,) with mean 1, or None for each once.

    `crops` are sorted by id.

    Raises InputError where `SampleWeights` is not of these crops, or where a class would never be drawn.
    """
    if params.weight_column is None:
        return None
    found = sample_weights.sort_values("crop_id")
    if not np.array_equal(crops["crop_id"].array, found["crop_id"].array):
        raise InputError(
            f"sample_weights has {len(sample_weights)} crops, and not those {len(crops)} of the training split. Run "
            "first: kedro run --pipeline=dataset_split"
        )
    weights = pd.Series(found[params.weight_column].to_numpy(float), index=crops.index)
    is_drawn = weights.groupby(crops["label"]).sum() > 0
    if not is_drawn.all():
        raise InputError(
            f"All training crops of {', '.join(is_drawn.index[~is_drawn])} have a confidence of 0, so that they would "
            "never be drawn: set modeling.weight_by_confidence to false, or check the confidence_calibration."
        )
    return weights.to_numpy()
