"""Classifying crops that are in files."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.squares import PlainSquare
from animl_kedro.classifier.temperature import probabilities_of
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.batches import Share
from animl_kedro.pipelines.modeling.loading import CropLoader, open_workers
from animl_kedro.progress import track
from animl_kedro.tables import LOGIT_PREFIX, PROBABILITY_PREFIX
from animl_kedro.threads import default_threads

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
    predictor, preprocessing = classifier.predictor, classifier.preprocessing
    logits = np.empty((len(crops), len(classifier.labels)), dtype=np.float32)
    on_gpu = predictor.device.type == "cuda"
    batches = Share(len(crops), predictor.batch_size)
    with open_workers(default_threads(), batches.largest, preprocessing.image_size, as_processes=on_gpu) as workers:
        loader = CropLoader(
            crop_images,
            crops["crop_id"].array,
            np.zeros(len(crops), dtype=np.int64),
            batches,
            PlainSquare(preprocessing),
            preprocessing,
            device=predictor.device,
            workers=workers,
        )
        images = track((images for images, _ in loader), description, total=len(loader))
        first = 0
        for batch in predictor.logits_of_batches(images):
            logits[first : first + len(batch)] = batch
            first += len(batch)
    return logits
