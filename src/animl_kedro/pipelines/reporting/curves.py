"""Precision-recall curves, with no more points than a picture can show."""

import numpy as np
import pandas as pd

from animl_kedro.average_precision import PrecisionRecall, precision_recall
from animl_kedro.pipelines.reporting.scores import scores_by_split
from animl_kedro.tables import PrecisionRecallCurves, Split

MAX_POINTS = 500


def trace_curves(predictions: pd.DataFrame) -> pd.DataFrame:
    """`PrecisionRecallCurves` of every split and class that can be measured, thinned to `MAX_POINTS` each."""
    rows = []
    for split, scores in scores_by_split(predictions):
        for label, *column in zip(scores.labels, scores.is_positive.T, scores.probabilities.T, strict=True):
            curve = thinned(precision_recall(*column))
            rows += [
                {"split": split.value, "label": label, "threshold": threshold, "precision": precision, "recall": recall}
                for threshold, precision, recall in zip(curve.thresholds, curve.precision, curve.recall, strict=True)
            ]
    return PrecisionRecallCurves.of(rows)


def thinned(curve: PrecisionRecall, max_points: int = MAX_POINTS) -> PrecisionRecall:
    """The first and the last point, and the lowest and the highest precision of every narrow band of recall."""
    if len(curve.recall) <= max_points:
        return curve
    bands = max_points // 2 - 1
    band = np.minimum((curve.recall * bands).astype(np.intp), bands - 1)
    order = np.lexsort((curve.precision, band))
    highest = np.flatnonzero(np.append(np.diff(band[order]) > 0, True))
    lowest = np.append(0, highest[:-1] + 1)
    keep = np.unique(np.concatenate([[0, len(band) - 1], order[lowest], order[highest]]))
    return PrecisionRecall(curve.thresholds[keep], curve.precision[keep], curve.recall[keep])


def curves_of_class(precision_recall_curves: pd.DataFrame, split: Split) -> dict[str, pd.DataFrame]:
    """The points of every class that has a curve in this split, so that recall grows."""
    points = precision_recall_curves[precision_recall_curves["split"] == split.value]
    return {str(label): rows for label, rows in points.sort_values("threshold", ascending=False).groupby("label")}
