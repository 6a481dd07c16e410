"""Labels that are probably wrong, found by confident learning.

A class's threshold is the mean probability that the classifier gives it where people did. A crop is confidently of the
classes whose threshold its probability reaches, and of the likeliest of these in the end; where that is not its label,
and is likelier than the label, one of the two is wrong: the label or the classifier. The probabilities are calibrated,
and the thresholds are those of held-out crops, which the classifier has not learned from.

Source: C. Northcutt, L. Jiang and I. Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, Journal of
Artificial Intelligence Research 70 (2021), section 3, equations 1 and 2.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.pipelines.reporting.scores import HELD_OUT, ClassScores, crops_of, scores_by_split
from animl_kedro.tables import LabelErrors, Split

ROUNDING = 1e-9
"""A mean of equal numbers can be above each of them by this much at the most."""

ORIGIN = ["dataset", "image_id", "annotation_id", "image_path", "location", "datetime", "crop_id", "label"]


@dataclass(frozen=True)
class Suspects:
    """Crops whose label is probably wrong: (n,) rows of the scores, and the classes that they seem to be of."""

    rows: NDArray[np.intp]
    predicted: NDArray[np.intp]


def find_label_errors(predictions: pd.DataFrame, crops: pd.DataFrame, splits: Collection[Split]) -> pd.DataFrame:
    """`LabelErrors` of these splits, by the margin between the two classes' probabilities.

    Raises InputError where predictions are not of these crops.
    """
    by_split = dict(scores_by_split(predictions))
    thresholds = confident_thresholds([scores for split, scores in by_split.items() if split in HELD_OUT])
    tables = [
        _table(predictions[predictions["split"] == split.value], scores, suspects(scores, thresholds))
        for split, scores in by_split.items()
        if split in splits
    ]
    if not tables:
        return LabelErrors.of([])
    found = pd.concat(tables, ignore_index=True)
    origins = crops_of(found, crops, ORIGIN).rename(columns={"label": "dataset_label", "image_path": "file_name"})
    origins["file_name"] = [
        path.removeprefix(f"{dataset}/") for path, dataset in zip(origins["file_name"], origins["dataset"], strict=True)
    ]
    table = pd.concat([origins.drop(columns="crop_id"), found], axis="columns")[list(LabelErrors.to_schema().columns)]
    return LabelErrors.validate(table.sort_values(["margin", "crop_id"], ascending=[False, True], ignore_index=True))


def confident_thresholds(held_out: list[ClassScores]) -> NDArray[np.float64]:
    """(n_classes,) mean probability of each class over its own crops; infinite where it has none."""
    classes = len(held_out[0].labels) if held_out else 0
    sums, counts = np.zeros(classes), np.zeros(classes)
    for scores in held_out:
        own = np.take_along_axis(scores.probabilities, scores.truth[:, None], axis=1)[:, 0]
        sums += np.bincount(scores.truth, weights=own, minlength=classes)
        counts += np.bincount(scores.truth, minlength=classes)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)


def suspects(scores: ClassScores, thresholds: NDArray[np.float64]) -> Suspects:
    """The crops that are confidently of another class than their label, which is less likely."""
    if not len(thresholds):
        return Suspects(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
    confident = np.where(scores.probabilities >= thresholds - ROUNDING, scores.probabilities, -1)
    likeliest = confident.argmax(axis=1)
    highest = np.take_along_axis(confident, likeliest[:, None], axis=1)[:, 0]
    own = np.take_along_axis(scores.probabilities, scores.truth[:, None], axis=1)[:, 0]
    rows = np.flatnonzero((likeliest != scores.truth) & (highest > own))
    return Suspects(rows, likeliest[rows])


def _table(predictions: pd.DataFrame, scores: ClassScores, found: Suspects) -> pd.DataFrame:
    confidence = scores.probabilities[found.rows, found.predicted]
    own = scores.probabilities[found.rows, scores.truth[found.rows]]
    return (
        predictions[["crop_id", "split", "label"]]
        .iloc[found.rows]
        .assign(
            predicted=[scores.labels[label] for label in found.predicted],
            confidence=confidence,
            label_probability=own,
            margin=confidence - own,
        )
    )
