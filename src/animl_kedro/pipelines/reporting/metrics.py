"""What is measured beside average precision: the likeliest class, and how far its probability can be believed.

Sources: scikit-learn's metrics of the same names, which these equal; for the expected calibration error, C. Guo et
al., On calibration of modern neural networks, 2017, with their 15 bins.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.pipelines.reporting.scores import ClassScores, scores_by_split
from animl_kedro.tables import Reliability, ScoresByClass

Floats = NDArray[np.float64]

BINS = 15
"""Bins of confidence, alike in width."""


def score_by_class(predictions: pd.DataFrame) -> pd.DataFrame:
    """`ScoresByClass` of every split that has a crop."""
    tables = []
    for split, scores in scores_by_split(predictions):
        counts = dict(zip(("positives", "predicted", "right"), class_counts(scores), strict=True))
        shares = dict(zip(("precision", "recall", "f1"), class_shares(scores), strict=True))
        tables.append(pd.DataFrame({"split": split.value, "label": list(scores.labels)} | counts | shares))
    return ScoresByClass.validate(pd.concat(tables, ignore_index=True)) if tables else ScoresByClass.of([])


def bin_confidences(predictions: pd.DataFrame) -> pd.DataFrame:
    """`Reliability` of every split that has a crop: all `BINS`, the empty ones too."""
    edges = np.linspace(0, 1, BINS + 1)
    tables = []
    for split, scores in scores_by_split(predictions):
        crops, confidence, right = confidence_bins(scores)
        columns = {"bin": np.arange(BINS), "low": edges[:-1], "high": edges[1:], "crops": crops}
        columns |= {"mean_confidence": ratio(confidence, crops).clip(0, 1), "accuracy": ratio(right, crops)}
        tables.append(pd.DataFrame({"split": split.value} | columns))
    return Reliability.validate(pd.concat(tables, ignore_index=True)) if tables else Reliability.of([])


def class_counts(scores: ClassScores) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """(n_classes,) crops of each class, crops given to it, and crops of it given to it."""
    classes, right = len(scores.labels), scores.predicted == scores.truth
    return (
        np.bincount(scores.truth, minlength=classes),
        np.bincount(scores.predicted, minlength=classes),
        np.bincount(scores.truth[right], minlength=classes),
    )


def class_shares(scores: ClassScores) -> tuple[Floats, Floats, Floats]:
    """(n_classes,) precision, recall and F1 at the likeliest class, NaN where there is nothing to divide by."""
    positives, predicted, right = class_counts(scores)
    return ratio(right, predicted), ratio(right, positives), ratio(2 * right, positives + predicted)


def confidence_bins(scores: ClassScores) -> tuple[NDArray[np.intp], Floats, Floats]:
    """(`BINS`,) crops, the sum of their confidences, and how many are right, by confidence."""
    confidence = scores.probabilities.max(axis=1)
    bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], confidence)
    return (
        np.bincount(bins, minlength=BINS),
        np.bincount(bins, weights=confidence, minlength=BINS).astype(np.float64),
        np.bincount(bins[scores.predicted == scores.truth], minlength=BINS).astype(np.float64),
    )


def expected_calibration_error(scores: ClassScores) -> float:
    """How far confidence is from accuracy, in the mean over the crops, bin by bin."""
    crops, confidence, right = confidence_bins(scores)
    return float(np.abs(confidence - right).sum() / crops.sum())


def top_accuracy(scores: ClassScores, top: int) -> float:
    """The share of crops whose class is among the `top` likeliest; of two alike the one that comes first is above."""
    own = scores.probabilities[np.arange(len(scores.truth)), scores.truth][:, None]
    before = np.arange(len(scores.labels)) < scores.truth[:, None]
    above = (scores.probabilities > own) | ((scores.probabilities == own) & before)
    return float((above.sum(axis=1) < top).mean())


def balanced_accuracy(scores: ClassScores) -> float:
    """The mean of the recalls of the classes that have crops."""
    _, recall, _ = class_shares(scores)
    return float(np.nanmean(recall))


def log_loss(scores: ClassScores) -> float:
    """The mean negative logarithm of the class's probability, which counts as no less than the smallest step from 1."""
    own = scores.probabilities[np.arange(len(scores.truth)), scores.truth]
    smallest = np.finfo(np.float64).eps
    return float(-np.log(own.clip(smallest, 1 - smallest)).mean())


def brier_score(scores: ClassScores) -> float:
    """The mean over the crops of the squared errors of all probabilities, between 0 and 2."""
    return float(((scores.probabilities - scores.is_positive) ** 2).sum(axis=1).mean())


def ratio(part: NDArray[np.number], whole: NDArray[np.number], missing: float = np.nan) -> Floats:
    """Part by whole, or a given value where the whole is nothing."""
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(whole), missing), where=whole > 0), dtype=np.float64)
