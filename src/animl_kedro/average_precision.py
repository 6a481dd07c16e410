"""Average precision, from arrays.

Average precision is the mean of the precisions at every threshold, weighted by the gain in recall there; crops of one
probability share a threshold. Source: scikit-learn, sklearn.metrics.average_precision_score.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

MEANS = ("macro", "weighted", "micro")
"""The means over the classes, in the order of importance, and of every table."""


@dataclass(frozen=True)
class PrecisionRecall:
    """A precision-recall curve: (n_thresholds,) each, from the highest threshold, so that recall grows."""

    thresholds: Floats
    precision: Floats
    recall: Floats


def precision_recall(is_positive: Booleans, scores: Floats) -> PrecisionRecall:
    """Precision and recall of "score at or above the threshold" for every score that occurs.

    Takes (n,) truth and scores. Without a positive there is no recall, and the curve is empty.
    """
    thresholds, found, taken = _counts_by_threshold(is_positive, scores)
    if not is_positive.any():
        thresholds, found, taken = thresholds[:0], found[:0], taken[:0]
    return PrecisionRecall(thresholds, found / taken, found / max(int(is_positive.sum()), 1))


def average_precision(is_positive: Booleans, scores: Floats) -> float:
    """Average precision of (n,) truth and scores; NaN without a positive."""
    if not is_positive.any():
        return float("nan")
    # only at the scores of positives does recall grow; values are sorted in a fraction of the time that an order takes
    thresholds, gained = np.unique(scores[is_positive], return_counts=True)
    taken = len(scores) - np.searchsorted(np.sort(scores), thresholds)
    gained, taken = gained[::-1], taken[::-1]
    found = gained.cumsum()  # whole numbers, so that a perfect ranking is 1 exactly, and none is above 1
    return float((gained * (found / taken)).sum() / found[-1])


def average_precisions(is_positive: Booleans, scores: Floats) -> Floats:
    """(n_classes,) average precision of every column of (n_crops, n_classes) truth and scores."""
    columns = np.ascontiguousarray(is_positive.T), np.ascontiguousarray(scores.T)
    return np.array([average_precision(*column) for column in zip(*columns, strict=True)])


def mean_average_precisions(is_positive: Booleans, scores: Floats, by_class: Floats | None = None) -> dict[str, float]:
    """The means over the classes of (n_crops, n_classes) truth and scores, or of what is known `by_class` already.

    "macro" counts every class alike, "weighted" by its positives, both leaving out classes without any; "micro"
    is the average precision of all pairs of a crop and a class, pooled. A mean over nothing is NaN.
    """
    positives = is_positive.sum(axis=0)
    measurable = positives > 0
    if not measurable.any():
        return dict.fromkeys(MEANS, float("nan"))
    measured = (average_precisions(is_positive, scores) if by_class is None else by_class)[measurable]
    return {
        "macro": float(measured.mean()),
        "weighted": float(np.average(measured, weights=positives[measurable])),
        "micro": average_precision(is_positive.ravel(), scores.ravel()),
    }


def _counts_by_threshold(is_positive: Booleans, scores: Floats) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """The distinct scores from the highest; how many positives, and how many of all, are at or above each."""
    order = np.argsort(-scores)
    ordered = scores[order]
    last_of_tie = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)])
    return ordered[last_of_tie], is_positive[order].cumsum()[last_of_tie], last_of_tie + 1
