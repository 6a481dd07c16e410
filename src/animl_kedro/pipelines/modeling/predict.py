"""Classifying the crops of all splits."""

import pandas as pd

from animl_kedro.classifier.classifier import Classifier
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.progress import track
from animl_kedro.tables import PROBABILITY_PREFIX


def predict(classifier: Classifier, crops: pd.DataFrame, crop_images: ImageFolder) -> pd.DataFrame:
    """Rows of `Predictions`, one a crop, sorted by id."""
    crops = crops.sort_values("crop_id")
    images = track((crop_images[crop_id] for crop_id in crops["crop_id"]), "classifying crops", total=len(crops))
    columns = [f"{PROBABILITY_PREFIX}{label}" for label in classifier.labels]
    probabilities = pd.DataFrame(classifier.probabilities(images), columns=columns)
    return pd.concat([crops[["crop_id", "split", "label"]].reset_index(drop=True), probabilities], axis=1)
