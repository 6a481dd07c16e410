"""Where the classifier fails: how good it is by location, day and night, crop size, detection confidence and month."""

import math
from typing import Any

import numpy as np
import pandas as pd

from animl_kedro.pipelines.reporting.grouped import Grouping, average_precisions_by_group, group_means
from animl_kedro.pipelines.reporting.scores import HELD_OUT, ClassScores, crops_of, scores_by_split
from animl_kedro.tables import BoxSource, GroupKind, PerformanceByGroup

UNKNOWN = "unknown"
"""The group of crops without a location, a date, or a picture that can be read."""

DAY, NIGHT = "day", "night (infrared)"

SIZE_LIMITS = (0, 32, 64, 128, 256, 512, math.inf)
"""Pixels of the longer side of the box in the photograph."""

SIZES = ("below 32 px", "32 to 63 px", "64 to 127 px", "128 to 255 px", "256 to 511 px", "512 px and above")

CONFIDENCE_LIMITS = (0, 0.2, 0.4, 0.6, 0.8, math.inf)
CONFIDENCES = ("below 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 and above")
BOXES_OF_PEOPLE = "annotated box"

COLUMNS = ("dataset", "location", "datetime", "box_source", "confidence", "box_width", "box_height")


def measure_groups(
    predictions: pd.DataFrame, crops: pd.DataFrame, saturations: pd.DataFrame, night_saturation: float
) -> pd.DataFrame:
    """A `PerformanceByGroup` of the held-out splits. Raises InputError where predictions are not of these crops."""
    held_out = predictions[predictions["split"].isin(HELD_OUT)]
    origins = crops_of(held_out, crops, COLUMNS)
    saturation = saturations.set_index("crop_id")["saturation"].reindex(held_out["crop_id"])
    groupings = group_crops(origins, saturation.reset_index(drop=True), night_saturation)
    rows: list[dict[str, Any]] = []
    for split, scores in scores_by_split(held_out):
        chosen = (held_out["split"] == split.value).to_numpy()
        of_split = [Grouping(each.kind, each.names, each.codes[chosen]) for each in groupings]
        rows += [{"split": split.value, **row} for row in _group_rows(scores, of_split)]
    return PerformanceByGroup.of(rows)


def group_crops(origins: pd.DataFrame, saturation: "pd.Series[float]", night_saturation: float) -> list[Grouping]:
    """Every kind's groups of the same crops; takes `COLUMNS` of `Crops`, and the mean saturation of the pictures."""
    light = pd.Series(np.where(saturation < night_saturation, NIGHT, DAY)).mask(saturation.isna())
    confidence = pd.cut(origins["confidence"], CONFIDENCE_LIMITS, right=False, labels=CONFIDENCES)
    confidence = confidence.cat.add_categories([BOXES_OF_PEOPLE]).mask(
        origins["box_source"] != BoxSource.DETECTOR, BOXES_OF_PEOPLE
    )
    longer_side = origins[["box_width", "box_height"]].max(axis="columns")
    months = origins["datetime"].dt.year * 100 + origins["datetime"].dt.month
    return [
        _grouping(GroupKind.LOCATION, (origins["dataset"] + "/" + origins["location"]).astype("category")),
        _grouping(GroupKind.LIGHT, light.astype(pd.CategoricalDtype([DAY, NIGHT]))),
        _grouping(GroupKind.SIZE, pd.cut(longer_side, SIZE_LIMITS, right=False, labels=SIZES)),
        _grouping(GroupKind.CONFIDENCE, confidence),
        _grouping(GroupKind.MONTH, _named(months.astype("category"))),
    ]


def _named(months: "pd.Series[Any]") -> "pd.Series[Any]":
    """Months such as 202603.0 with the names that a person reads, 2026-03."""
    return months.cat.rename_categories(lambda month: f"{int(month) // 100:04d}-{int(month) % 100:02d}")


def _grouping(kind: GroupKind, groups: "pd.Series[Any]") -> Grouping:
    """The groups of a column of categories, in their order; what has none comes last."""
    names = [*groups.cat.categories.tolist(), UNKNOWN]
    codes = groups.cat.codes.to_numpy(dtype=np.intp)
    return Grouping(kind, names, np.where(codes < 0, len(names) - 1, codes))


def _group_rows(scores: ClassScores, groupings: list[Grouping]) -> list[dict[str, Any]]:
    """The rows of all groups that have a crop."""
    wrong = scores.predicted != scores.truth
    rows = []
    for grouping, values in zip(groupings, average_precisions_by_group(scores, groupings), strict=True):
        crops = np.bincount(grouping.codes, minlength=len(grouping.names)).tolist()
        errors = np.bincount(grouping.codes[wrong], minlength=len(grouping.names)).tolist()
        rows += [
            {
                "kind": grouping.kind,
                "group": name,
                "crops": count,
                "errors": mistakes,
                "error_rate": mistakes / count,
                "classes": classes,
                "macro_average_precision": mean,
            }
            for name, count, mistakes, (classes, mean) in zip(
                grouping.names, crops, errors, group_means(values), strict=True
            )
            if count
        ]
    return rows
