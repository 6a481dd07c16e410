"""Finding the temperature of a classifier by the crops of the validation split."""

from dataclasses import asdict, replace

import pandas as pd

from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.temperature import Calibration, fit_temperature
from animl_kedro.errors import InputError
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.predict import logits_of
from animl_kedro.tables import Split, data_checksum


def calibrate(classifier: Classifier, crops: pd.DataFrame, crop_images: ImageFolder) -> tuple[Classifier, Calibration]:
    """The classifier with the temperature that suits the crops of the val split best.

    `crops` is `LabeledCrops` with a column split. The provenance tells the calibration, and a checksum of the crops.
    Raises InputError where they are not those that the classifier was trained for, or one cannot be read.
    """
    _check(classifier, crops)
    val = crops[crops["split"] == Split.VAL].sort_values("crop_id")
    targets = pd.Index(classifier.labels).get_indexer(pd.Index(val["label"]))
    calibration = fit_temperature(logits_of(classifier, val, crop_images, "calibrating"), targets)
    told = {"calibration": asdict(calibration), "training_data": {"checksum": data_checksum(crops)}}
    provenance = dict(classifier.provenance) | told
    return replace(classifier, temperature=calibration.temperature, provenance=provenance), calibration


def _check(classifier: Classifier, crops: pd.DataFrame) -> None:
    again = "Train it again: kedro run --pipeline=modeling"
    if unknown := sorted(set(crops["label"]) - set(classifier.labels)):
        raise InputError(
            f"There are crops of {', '.join(unknown)}, and the classifier knows {', '.join(classifier.labels)}: it was "
            f"trained for other classes. {again}"
        )
    counts = crops["split"].value_counts().to_dict()
    trained = classifier.provenance.get("crops", counts)
    if counts != trained:
        raise InputError(f"The splits have {counts} crops, and the classifier was trained with {trained}. {again}")
