"""What the report finds besides the scores of the classes, computed from the tables for the template to lay out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from animl_kedro.pipelines.reporting.sections import Interval, interval_of
from animl_kedro.pipelines.reporting.wording import dates, known
from animl_kedro.tables import GroupKind, Split

MEASURES = (
    ("Top-1 accuracy", "the likeliest class is right", "accuracy"),
    ("Top-3 accuracy", "one of the three likeliest is right", "top3_accuracy"),
    ("Balanced accuracy", "the mean of the classes' recalls", "balanced_accuracy"),
    ("Log loss", "0 is perfect", "log_loss"),
    ("Brier score", "0 is perfect, 2 the worst", "brier_score"),
    ("Expected calibration error", "0 is perfect", "expected_calibration_error"),
)
"""What a measure is called on the page, what it means, and what it is called in `metrics`."""

MEASURED_ON = (("crops", Split.TEST), ("sequences", Split.TEST), ("crops", Split.VAL), ("crops", Split.TRAIN))

FALSE_ALARMS = "test_false_alarms_per_1000_images"

MOST_GROUPS, MOST_SUSPECTS = 12, 20
"""Groups of one kind, and labels to look at, that a page has room for."""


@dataclass(frozen=True)
class Bin:
    """A bin of the reliability diagram: its ends, its crops, how sure the classifier is of them and how often right."""

    low: float
    high: float
    crops: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Group:
    """Crops that have something in common, and how they were classified."""

    name: str
    crops: int
    errors: int
    error_rate: float
    macro: float | None


@dataclass(frozen=True)
class GroupTable:
    """The groups of a kind; ``left_out`` are so many with fewer errors."""

    kind: GroupKind
    groups: Sequence[Group]
    left_out: int


@dataclass(frozen=True)
class Suspect:
    """A crop whose label is probably wrong; ``location`` and ``date`` are empty where they are not known."""

    image_id: str
    file: str
    dataset_label: str
    predicted: str
    confidence: float
    location: str
    date: str


@dataclass(frozen=True)
class Suspects:
    """The likeliest of so many."""

    rows: Sequence[Suspect]
    total: int


@dataclass(frozen=True)
class Threshold:
    """A recommended threshold, and what it gives in the test; missing where that cannot be measured."""

    kind: str
    label: str
    split: str
    outcome: str
    target: str
    wanted: float
    threshold: float | None
    precision: float | None
    recall: float | None
    false_alarms: float | None


@dataclass(frozen=True)
class Compared:
    """A class, or the mean, of two classifiers: average precision here and earlier, and the difference."""

    kind: str
    label: str
    crops: int
    locations: int
    value: float | None
    earlier: float | None
    difference: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Measure:
    """A measure of all classes together, in every column of `MEASURED_ON`; missing where that has no crop."""

    name: str
    note: str
    values: Sequence[float | None]


def compared(comparison: pd.DataFrame) -> list[Compared]:
    """The rows of a `Comparison`, the mean last."""
    rows = comparison.sort_values(["kind", "label"])
    columns = (
        *(rows[name].tolist() for name in ("kind", "label", "positives", "locations")),
        *(_known(rows[name]) for name in ("average_precision", "earlier_average_precision", "difference")),
        [interval_of(low, high) for low, high in zip(rows["low"], rows["high"], strict=True)],
    )
    return [Compared(*row) for row in zip(*columns, strict=True)]


def measures(metrics: Mapping[str, Any]) -> list[Measure]:
    """The measures of all classes together, of the columns `MEASURED_ON`."""
    columns = [metrics[unit].get(split.value, {}) for unit, split in MEASURED_ON]
    return [Measure(name, note, [_value(column.get(key)) for column in columns]) for name, note, key in MEASURES]


def _value(measured: float | Mapping[str, float] | None) -> float | None:
    """What was measured, which may have its intervals beside it."""
    return measured["value"] if isinstance(measured, Mapping) else measured


def reliability_bins(reliability: pd.DataFrame) -> list[Bin]:
    """The bins of the test split that have a crop, from the lowest confidence."""
    rows = reliability[(reliability["split"] == Split.TEST.value) & (reliability["crops"] > 0)].sort_values("bin")
    columns = ("low", "high", "crops", "mean_confidence", "accuracy")
    return [Bin(*row) for row in zip(*(rows[column].tolist() for column in columns), strict=True)]


def group_tables(performance_by_group: pd.DataFrame) -> list[GroupTable]:
    """The groups of the test split: of many of a kind those with the most errors, and otherwise all in their order."""
    test = performance_by_group[performance_by_group["split"] == Split.TEST.value]
    return [_group_table(kind, rows) for kind in GroupKind if len(rows := test[test["kind"] == kind.value])]


def _group_table(kind: GroupKind, rows: pd.DataFrame) -> GroupTable:
    shown = rows
    if len(rows) > MOST_GROUPS:
        shown = rows.sort_values(["errors", "error_rate", "group"], ascending=[False, False, True]).head(MOST_GROUPS)
    columns = (
        *(shown[name].tolist() for name in ("group", "crops", "errors", "error_rate")),
        _known(shown["macro_average_precision"]),
    )
    groups = [Group(*row) for row in zip(*columns, strict=True)]
    return GroupTable(kind, groups, left_out=len(rows) - len(shown))


def likeliest_label_errors(label_errors: pd.DataFrame) -> Suspects:
    """The first of `LabelErrors`, as many as a page has room for."""
    shown = label_errors.sort_values(["margin", "crop_id"], ascending=[False, True]).head(MOST_SUSPECTS)
    columns = (
        *(shown[name].tolist() for name in ("image_id", "file_name", "dataset_label", "predicted", "confidence")),
        shown["location"].fillna("").tolist(),
        dates(shown["datetime"]),
    )
    return Suspects([Suspect(*row) for row in zip(*columns, strict=True)], total=len(label_errors))


def thresholds(recommended_thresholds: pd.DataFrame) -> list[Threshold]:
    """The rows of `RecommendedThresholds`, classes sorted and the one for all at the end."""
    rows = recommended_thresholds.sort_values(["kind", "label"])
    columns = (
        *(rows[name].tolist() for name in ("kind", "label", "split", "outcome", "target", "wanted")),
        *(_known(rows[name]) for name in ("threshold", "test_precision", "test_recall", FALSE_ALARMS)),
    )
    return [Threshold(*row) for row in zip(*columns, strict=True)]


def _known(column: "pd.Series[float]") -> list[float | None]:
    """The numbers of a column, None where they are missing."""
    return [known(value) for value in column.tolist()]
