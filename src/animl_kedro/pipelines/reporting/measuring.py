"""The table of average precision, and the same as nested dictionaries."""

from typing import Any

import numpy as np
import pandas as pd

from animl_kedro.average_precision import average_precisions, mean_average_precisions
from animl_kedro.pipelines.reporting.scores import count_locations, located, scores_by_split
from animl_kedro.tables import AveragePrecision, Split


def measure(predictions: pd.DataFrame, crops: pd.DataFrame) -> pd.DataFrame:
    """An `AveragePrecision` of every split that has a crop: its classes sorted, then the means.

    Raises InputError where predictions and crops do not belong together.
    """
    rows = located(predictions, crops)
    locations_of_class = count_locations(rows, ["split", "label"])
    locations_of_split = count_locations(rows, ["split"])
    table: list[dict[str, Any]] = []
    for split, scores in scores_by_split(predictions).items():
        common = {"split": split.value, "crops": len(scores.truth)}
        by_class = average_precisions(scores.is_positive, scores.probabilities)
        table += [
            common
            | {"kind": "class", "label": label, "average_precision": value, "positives": positives}
            | {"locations": locations_of_class.get((split.value, label), 0)}
            for label, value, positives in zip(scores.labels, by_class, scores.is_positive.sum(axis=0), strict=True)
        ]
        table += [
            common
            | {"kind": "mean", "label": mean, "average_precision": value, "positives": len(scores.truth)}
            | {"locations": locations_of_split.get(split.value, 0)}
            for mean, value in mean_average_precisions(scores.is_positive, scores.probabilities).items()
        ]
    return AveragePrecision.of(table)


def nested(average_precision: pd.DataFrame) -> dict[str, Any]:
    """An `AveragePrecision` as {split: {"classes": {label: …}, "macro": …, …}}, with None where it is missing."""
    return {
        split.value: _nested_split(rows)
        for split in Split
        if len(rows := average_precision[average_precision["split"] == split.value])
    }


def _nested_split(rows: pd.DataFrame) -> dict[str, Any]:
    values = [None if np.isnan(value) else float(value) for value in rows["average_precision"]]
    classes: dict[str, dict[str, Any]] = {}
    means: dict[str, float | None] = {}
    for row, value in zip(rows.to_dict("records"), values, strict=True):
        if row["kind"] == "mean":
            means[row["label"]] = value
        else:
            counts = {"positives": int(row["positives"]), "locations": int(row["locations"])}
            classes[row["label"]] = {"average_precision": value, **counts}
    whole = rows[rows["kind"] == "mean"].iloc[0]
    return {
        **means,
        "crops": int(whole["crops"]),
        "locations": int(whole["locations"]),
        "not_measurable": [label for label, numbers in classes.items() if numbers["average_precision"] is None],
        "classes": classes,
    }
