"""The table of average precision with its intervals, and the same as nested dictionaries."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.average_precision import MEANS, average_precisions, mean_average_precisions
from animl_kedro.pipelines.reporting.bootstrap import (
    Resampling,
    bootstrap_average_precision,
    interval,
    percentile_interval,
)
from animl_kedro.pipelines.reporting.parameters import ReportingParams
from animl_kedro.pipelines.reporting.scores import ClassScores, crops_of, scores_by_split
from animl_kedro.pipelines.reporting.units import ORIGINS, image_units, location_units
from animl_kedro.tables import AveragePrecision, Split

FEWEST_LOCATIONS = 3
"""What is measured at fewer locations is not to be relied on."""

INTERVALS = ("low", "high", "image_low", "image_high")
"""The columns of the ends of the intervals over locations and over images."""


def measure(predictions: pd.DataFrame, crops: pd.DataFrame, params: ReportingParams) -> pd.DataFrame:
    """An `AveragePrecision` of every split that has a crop: its classes sorted, then the means.

    Raises InputError where predictions and crops do not belong together.
    """
    origins = crops_of(predictions, crops, ORIGINS)
    tables = [
        _measure_split(scores, origins[(predictions["split"] == split.value).to_numpy()], params).assign(split=split)
        for split, scores in scores_by_split(predictions)
    ]
    return AveragePrecision.validate(pd.concat(tables, ignore_index=True)) if tables else AveragePrecision.of([])


def resamplings(origins: pd.DataFrame, params: ReportingParams) -> tuple[Resampling, Resampling]:
    """Draws of whole locations, and of whole images, of the crops with these `ORIGINS`."""
    rounds, seed = params.bootstrap_rounds, params.seed
    return (
        Resampling(location_units(origins), rounds, seed),
        Resampling(image_units(origins), rounds, seed, leaving_out=False),
    )


def _measure_split(scores: ClassScores, origins: pd.DataFrame, params: ReportingParams) -> pd.DataFrame:
    """The rows of one split, without its name."""
    is_positive, crops = scores.is_positive, len(scores.truth)
    by_class = average_precisions(is_positive, scores.probabilities)
    means = mean_average_precisions(is_positive, scores.probabilities, by_class)
    units, located = location_units(origins), origins["location"].notna().to_numpy()
    locations = [len(np.unique(units[located & chosen])) for chosen in (*is_positive.T, located)]
    table = pd.DataFrame(
        {
            "kind": ["class"] * len(by_class) + ["mean"] * len(MEANS),
            "label": [*scores.labels, *MEANS],
            "average_precision": [*by_class, *(means[mean] for mean in MEANS)],
            "positives": [*is_positive.sum(axis=0), *[crops] * len(MEANS)],
            "crops": crops,
            "locations": [*locations[:-1], *locations[-1:] * len(MEANS)],
        }
    )
    ends = _intervals(scores, table["average_precision"], origins, params)
    return table.assign(**dict(zip(INTERVALS, ends.T, strict=True)), reliable=table["locations"] >= FEWEST_LOCATIONS)


def _intervals(
    scores: ClassScores, estimates: "pd.Series[float]", origins: pd.DataFrame, params: ReportingParams
) -> NDArray[np.float64]:
    """(n_classes + 3, 4) the `INTERVALS` of every class, then of every mean."""
    of_locations, of_images = resamplings(origins, params)
    units = [len(np.unique(of_locations.unit[chosen])) for chosen in scores.is_positive.T]
    units += [of_locations.units] * len(MEANS)
    rounds, image_rounds = (rounds.T for rounds in bootstrap_average_precision(scores, of_locations, of_images))
    level = params.confidence_level
    return np.array(
        [
            interval(estimate, values, of_locations, count, level) + percentile_interval(of_image, of_images, level)
            for estimate, values, of_image, count in zip(estimates, rounds, image_rounds, units, strict=True)
        ]
    )


def nested(average_precision: pd.DataFrame) -> dict[str, Any]:
    """An `AveragePrecision` as {split: {"means": {"macro": …}, "classes": {label: …}, …}}, each with its interval.

    What is missing is None.
    """
    return {
        split.value: _nested_split(rows)
        for split in Split
        if len(rows := average_precision[average_precision["split"] == split.value])
    }


def _nested_split(rows: pd.DataFrame) -> dict[str, Any]:
    classes, means = (
        {row["label"]: _nested_row(row) for row in rows[rows["kind"] == kind].to_dict("records")}
        for kind in ("class", "mean")
    )
    whole = rows[rows["kind"] == "mean"].iloc[0]
    return {
        "means": means,
        "crops": int(whole["crops"]),
        "locations": int(whole["locations"]),
        "not_measurable": [label for label, numbers in classes.items() if numbers["average_precision"] is None],
        "classes": classes,
    }


def _nested_row(row: dict[Any, Any]) -> dict[str, Any]:
    numbers = {name: none_if_missing(row[name]) for name in ("average_precision", *INTERVALS)}
    counts = {name: int(row[name]) for name in ("positives", "locations")}
    return numbers | counts | {"reliable": bool(row["reliable"])}


def none_if_missing(value: float) -> float | None:
    """The number for a JSON file, where there is no NaN."""
    return None if np.isnan(value) else float(value)
