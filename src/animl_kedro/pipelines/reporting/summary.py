"""All metrics as nested dictionaries, for programs."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from animl_kedro.pipelines.reporting import metrics
from animl_kedro.pipelines.reporting.bootstrap import bootstrap_accuracy, interval, percentile_interval
from animl_kedro.pipelines.reporting.measuring import INTERVALS, nested, none_if_missing, resamplings
from animl_kedro.pipelines.reporting.parameters import ReportingParams
from animl_kedro.pipelines.reporting.scores import ClassScores, crops_of, scores_by_split
from animl_kedro.pipelines.reporting.units import ORIGINS


def summarize(
    predictions: pd.DataFrame, crops: pd.DataFrame, average_precision: pd.DataFrame, params: ReportingParams
) -> dict[str, Any]:
    """{split: {metric: value}} of predictions, of crops or of sequences, whose `AveragePrecision` is known already."""
    origins = crops_of(predictions, crops, ORIGINS)
    by_split = nested(average_precision)
    return {
        split.value: {
            "average_precision": by_split[split.value].pop("means"),
            "accuracy": _accuracy(scores, origins[(predictions["split"] == split.value).to_numpy()], params),
            "top3_accuracy": metrics.top_accuracy(scores, 3),
            "balanced_accuracy": metrics.balanced_accuracy(scores),
            "log_loss": metrics.log_loss(scores),
            "brier_score": metrics.brier_score(scores),
            "expected_calibration_error": metrics.expected_calibration_error(scores),
        }
        | _with_classes(by_split[split.value], scores)
        for split, scores in scores_by_split(predictions)
    }


def _accuracy(scores: ClassScores, origins: pd.DataFrame, params: ReportingParams) -> dict[str, float | None]:
    """The share of crops whose likeliest class is theirs, with its intervals."""
    accuracy, level = metrics.top_accuracy(scores, 1), params.confidence_level
    of_locations, of_images = resamplings(origins, params)
    values = bootstrap_accuracy(scores, of_locations)
    ends = interval(accuracy, values, of_locations, of_locations.units, level)
    image_ends = percentile_interval(bootstrap_accuracy(scores, of_images), of_images, level)
    return {"value": accuracy} | _named(INTERVALS, (*ends, *image_ends))


def _with_classes(numbers: dict[str, Any], scores: ClassScores) -> dict[str, Any]:
    """The counts and classes of one split, each class with its precision, recall and F1."""
    shares = zip(scores.labels, np.column_stack(metrics.class_shares(scores)), strict=True)
    classes = {label: numbers["classes"][label] | _named(("precision", "recall", "f1"), row) for label, row in shares}
    return numbers | {"measurable": len(classes) - len(numbers["not_measurable"]), "classes": classes}


def _named(names: tuple[str, ...], values: Iterable[float]) -> dict[str, float | None]:
    return {name: none_if_missing(value) for name, value in zip(names, values, strict=True)}
