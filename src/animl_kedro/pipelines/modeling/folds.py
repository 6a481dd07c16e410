"""A classifier for every fold, so that each crop is classified by one that has never seen its location."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from animl_kedro.average_precision import average_precisions, mean_average_precisions
from animl_kedro.errors import InputError
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.calibrating import calibrate
from animl_kedro.pipelines.modeling.checkpoints import Checkpoints
from animl_kedro.pipelines.modeling.crops import check_crops
from animl_kedro.pipelines.modeling.distributed import run
from animl_kedro.pipelines.modeling.jobs import Job
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.predict import predict
from animl_kedro.pipelines.modeling.train import classifier_of, prepare
from animl_kedro.tables import PROBABILITY_PREFIX, Split

logger = logging.getLogger(__name__)


def classify_out_of_fold(
    crops: pd.DataFrame,
    label_index: Mapping[str, str],
    crop_images: ImageFolder,
    params: ModelingParams,
    checkpoints: Path,
    host: int = 0,
) -> pd.DataFrame:
    """Rows of `FoldPredictions`: train without each fold, with the next one as validation, and classify it.

    `crops` is `LabeledCrops` with the columns split and fold. A killed run goes on within the fold that it was in,
    and trains none twice.
    Raises InputError where the crops have fewer than three folds.
    """
    fold, count = crops["fold"], crops["fold"].nunique()
    if fold.isna().any() or count < 3:
        raise InputError(
            f"modeling.folds is true, and the splits have {count} folds: set dataset_split.method to kfold, with 3 "
            "folds or more, and run first: kedro run --pipeline=dataset_split"
        )
    check_crops(crops["crop_id"], crop_images)
    tables = []
    for number in range(count):
        logger.info("fold %d of %d", number + 1, count)
        turned = crops.assign(split=splits_of_fold(fold, number, count))
        job = fold_job(turned, label_index, crop_images, params, checkpoints, number)
        classifier, _ = calibrate(classifier_of(job, run(job, host)), turned, crop_images)
        test = predict(classifier, turned[turned["split"] == Split.TEST], crop_images)
        tables.append(test.drop(columns="split").assign(fold=number))
    for number in range(count):
        Checkpoints(checkpoints, name_of(number)).remove()
    return pd.concat(tables).sort_values("crop_id", ignore_index=True)


def splits_of_fold(fold: pd.Series, number: int, count: int) -> pd.Series:
    """The split of every crop where the fold of this number is the test: validation is the next one."""
    is_test, is_val = fold == number, fold == (number + 1) % count
    return pd.Series(np.select([is_test, is_val], [Split.TEST, Split.VAL], Split.TRAIN), index=fold.index)


def fold_job(
    crops: pd.DataFrame,
    label_index: Mapping[str, str],
    crop_images: ImageFolder,
    params: ModelingParams,
    checkpoints: Path,
    number: int,
) -> Job:
    """The training of a fold; its crops are drawn by class as those of the training split are, where they are."""
    train_crops = crops[crops["split"] == Split.TRAIN]
    label_weight = 1 / train_crops["label"].map(train_crops["label"].value_counts())
    weights = pd.DataFrame({"crop_id": train_crops["crop_id"], "label_weight": label_weight / label_weight.mean()})
    job = prepare(crops, weights, label_index, crop_images, params, checkpoints)
    return replace(job, name=name_of(number), keep=True)


def name_of(number: int) -> str:
    """The name of a fold's training."""
    return f"fold_{number}"


def measure_pooled(predictions: pd.DataFrame, crops: pd.DataFrame) -> pd.DataFrame:
    """Rows of `FoldAveragePrecision`, of the split test: that of all folds' predictions together.

    `predictions` is `FoldPredictions`, `crops` is `LabeledCrops`.
    """
    columns = [name for name in predictions.columns if name.startswith(PROBABILITY_PREFIX)]
    labels = np.array([name.removeprefix(PROBABILITY_PREFIX) for name in columns])
    is_positive = predictions["label"].to_numpy()[:, None] == labels
    probabilities = predictions[columns].to_numpy()
    locations = crops.groupby("label")[["dataset", "location"]].apply(lambda rows: len(rows.drop_duplicates()))
    common = {"split": Split.TEST, "crops": len(predictions)}
    by_class = average_precisions(is_positive, probabilities)
    rows = [
        common
        | {"kind": "class", "label": label, "average_precision": value, "positives": positives}
        | {"locations": int(locations.get(label, 0))}
        for label, value, positives in zip(labels, by_class, is_positive.sum(axis=0), strict=True)
    ]
    everywhere = len(crops[["dataset", "location"]].drop_duplicates())
    rows += [
        common
        | {"kind": "mean", "label": mean, "average_precision": value, "positives": len(predictions)}
        | {"locations": everywhere}
        for mean, value in mean_average_precisions(is_positive, probabilities).items()
    ]
    return pd.DataFrame(rows)
