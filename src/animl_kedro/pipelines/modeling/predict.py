"""Classifying crops that are in files."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL.Image import Image

from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.squares import open_crop, unreadable
from animl_kedro.classifier.temperature import probabilities_of
from animl_kedro.image_folder import ImageFolder
from animl_kedro.images import UnreadableImageError
from animl_kedro.progress import track
from animl_kedro.tables import LOGIT_PREFIX, PROBABILITY_PREFIX

CHUNK = 65_536
"""Rows whose probabilities are computed together."""


def predict(classifier: Classifier, crops: pd.DataFrame, crop_images: ImageFolder) -> pd.DataFrame:
    """Rows of `Predictions`, one a crop, sorted by id. Raises InputError that names a crop that cannot be read."""
    crops = crops.sort_values("crop_id")
    logits = logits_of(classifier, crops, crop_images, "classifying crops")
    probabilities = np.empty(logits.shape)
    for start in range(0, len(logits), CHUNK):  # what it needs besides must not grow with the number of crops
        rows = slice(start, start + CHUNK)
        probabilities[rows] = probabilities_of(logits[rows], classifier.temperature)
    columns = [
        pd.DataFrame(values, columns=[f"{prefix}{label}" for label in classifier.labels])
        for prefix, values in ((PROBABILITY_PREFIX, probabilities), (LOGIT_PREFIX, logits))
    ]
    return pd.concat([crops[["crop_id", "split", "label"]].reset_index(drop=True), *columns], axis=1)


def logits_of(
    classifier: Classifier, crops: pd.DataFrame, crop_images: ImageFolder, description: str
) -> NDArray[np.float32]:
    """The (n_crops, n_classes) logits of crops, in the order of the rows.

    Raises InputError that names a crop that cannot be read.
    """

    def opened(crop_id: str) -> tuple[None, list[Image]]:
        try:
            return None, [open_crop(crop_id, crop_images).whole()]
        except UnreadableImageError as error:
            raise unreadable(crop_id, error) from error

    logits = np.empty((len(crops), len(classifier.labels)), dtype=np.float32)
    found = track(classifier.predictor.logits(crops["crop_id"], opened), description, total=len(crops))
    for row, (_, own) in enumerate(found):
        logits[row] = own
    return logits
