"""The nodes of the modeling pipeline. torch takes seconds to import: the nodes import what needs it."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.runtime import prepare_torch
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.locks import sole_run_in
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.tables import (
    PROBABILITY_PREFIX,
    FoldAveragePrecision,
    FoldPredictions,
    Predictions,
    TrainingHistory,
    with_splits,
)

logger = logging.getLogger(__name__)

ELSEWHERE = "To train two at once, give each its own folder: training_checkpoints in the catalog."


def train_classifier(
    labeled_crops: pd.DataFrame,
    splits: pd.DataFrame,
    sample_weights: pd.DataFrame,
    label_index: dict[str, str],
    crop_images: ImageFolder,
    training_checkpoints: Path,
    params: ModelingParams,
) -> tuple[Classifier, pd.DataFrame]:
    """Train a classifier on the training split; its best epoch is chosen on the validation split.

    A run that was killed goes on from its last checkpoint where data and parameters are the same.
    """
    prepare_torch()
    from animl_kedro.pipelines.modeling.train import train  # noqa: PLC0415

    crops = with_splits(labeled_crops, splits)
    with sole_run_in(training_checkpoints, "training", ELSEWHERE):
        classifier, history = train(crops, sample_weights, label_index, crop_images, params, training_checkpoints)
    best = classifier.provenance["best"]
    logger.info(
        "trained %s for %d epochs; the best, number %d, has a validation macro average precision of %.3f",
        classifier.backbone,
        len({row["epoch"] for row in history}),
        best["epoch"],
        best["macro_average_precision"],
    )
    return classifier, TrainingHistory.of(history)


def calibrate_classifier(
    trained_classifier: Classifier,
    labeled_crops: pd.DataFrame,
    splits: pd.DataFrame,
    crop_images: ImageFolder,
    crop_settings: dict[str, Any],
) -> Classifier:
    """Make the probabilities mean what they say, by the validation split, and note how boxes are to be cropped."""
    from animl_kedro.pipelines.modeling.calibrating import calibrate  # noqa: PLC0415

    crops = with_splits(labeled_crops, splits)
    classifier, calibration = calibrate(trained_classifier, crops, crop_images)
    logger.info(
        "calibrated on %d crops: temperature %.3f%s",
        calibration.crops,
        calibration.temperature,
        f" ({calibration.remark})" if calibration.remark else "",
    )
    return replace(classifier, cropping=CroppingParams.model_validate(crop_settings))


def predict_crops(
    classifier: Classifier, labeled_crops: pd.DataFrame, splits: pd.DataFrame, crop_images: ImageFolder
) -> pd.DataFrame:
    """Classify every crop of every split, each once."""
    from animl_kedro.pipelines.modeling.predict import predict  # noqa: PLC0415

    predictions = predict(classifier, with_splits(labeled_crops, splits), crop_images)
    logger.info(
        "classified %d crops: %s",
        len(predictions),
        ", ".join(f"{count} {split}" for split, count in predictions["split"].value_counts().items()),
    )
    return Predictions.validate(predictions)


def classify_folds(
    labeled_crops: pd.DataFrame,
    splits: pd.DataFrame,
    label_index: dict[str, str],
    crop_images: ImageFolder,
    training_checkpoints: Path,
    params: ModelingParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Classify every crop by a classifier trained without its fold, and measure that, where folds are wanted."""
    if not params.folds:
        columns = ["crop_id", "fold", "label", *(f"{PROBABILITY_PREFIX}{label}" for label in label_index.values())]
        logger.info("no folds: modeling.folds is false")
        return FoldPredictions.validate(pd.DataFrame(columns=columns)), FoldAveragePrecision.of([])
    prepare_torch()
    from animl_kedro.pipelines.modeling.folds import classify_out_of_fold, measure_pooled  # noqa: PLC0415

    crops = with_splits(labeled_crops, splits)
    with sole_run_in(training_checkpoints, "training", ELSEWHERE):
        predictions = classify_out_of_fold(crops, label_index, crop_images, params, training_checkpoints)
    measured = measure_pooled(predictions, labeled_crops)
    logger.info(
        "classified %d crops out of their fold: macro average precision %.3f",
        len(predictions),
        measured.loc[measured["label"].eq("macro") & measured["kind"].eq("mean"), "average_precision"].iloc[0],
    )
    return FoldPredictions.validate(predictions), FoldAveragePrecision.validate(measured)


def plot_training(training_history: pd.DataFrame) -> Any:
    """Draw loss and macro average precision by epoch."""
    # matplotlib takes half a second to import: only this node pays for it
    from animl_kedro.pipelines.modeling.plots import plot_history  # noqa: PLC0415

    figure = plot_history(training_history)
    logger.info("drew %d epochs", training_history["epoch"].nunique())
    return figure
