"""What stands in the report: every section's content, computed from the tables, for the template to lay out."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from animl_kedro.pipelines.reporting.charts import step_path
from animl_kedro.pipelines.reporting.confusion import square
from animl_kedro.pipelines.reporting.curves import curves_of_class
from animl_kedro.pipelines.reporting.wording import MEANS, SPLITS, dates, known, rows_of
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
class Interval:
    """The ends of a 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Score:
    """An average precision, missing if it cannot be measured, and how many crops and locations it is measured on.

    ``interval`` is over locations, ``image_interval`` over images; each is missing where there is too little to draw.
    ``reliable`` is false where it is measured at too few locations.
    """

    value: float | None
    crops: int
    locations: int
    interval: Interval | None
    image_interval: Interval | None
    reliable: bool


@dataclass(frozen=True)
class ScoreRow:
    """A class or a mean, with its score in every split of `SPLITS`; none where the split has no crop."""

    label: str
    scores: Sequence[Score | None]


@dataclass(frozen=True)
class Decided:
    """How a class fares where every crop is given to its likeliest class; missing where there is no such crop."""

    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Headline:
    """The answer: the macro average precision in the test split, missing where that has no crop.

    ``measured`` is the number of classes that it is the mean of, ``unmeasured`` are those that have no crop there, and
    ``unreliable`` those from too few locations.
    """

    macro: Score | None
    measured: int
    unmeasured: Sequence[str]
    unreliable: Sequence[str]


@dataclass(frozen=True)
class Curve:
    """A class's precision-recall curve in the test split, as an SVG path; empty where it cannot be measured."""

    label: str
    score: Score
    path: str


@dataclass(frozen=True)
class Cell:
    """A cell of the confusion matrix: crops, and their share of the row, between 0 and 1."""

    predicted: str
    crops: int
    share: float


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


@dataclass(frozen=True)
class SplitCounts:
    """What a split, or all of them, consists of."""

    name: str
    images: int
    crops: int
    locations: int


def score_rows(average_precision: pd.DataFrame, kind: str) -> list[ScoreRow]:
    """The rows of a kind, classes sorted and means by importance, with the test split first."""
    by_split = [
        {label: _score(row) for label, row in rows.to_dict("index").items()}
        for rows in (rows_of(average_precision, split, kind) for split in SPLITS)
    ]
    found = {str(label) for scores in by_split for label in scores}
    labels = sorted(found) if kind == "class" else [mean for mean in MEANS if mean in found]
    return [ScoreRow(label, [scores.get(label) for scores in by_split]) for label in labels]


def _score(row: dict[Hashable, Any]) -> Score:
    """A row of an `AveragePrecision`."""
    return Score(
        value=known(row["average_precision"]),
        crops=row["positives"],
        locations=row["locations"],
        interval=_interval(row["low"], row["high"]),
        image_interval=_interval(row["image_low"], row["image_high"]),
        reliable=row["reliable"],
    )


def _known(column: "pd.Series[float]") -> list[float | None]:
    """The numbers of a column, None where they are missing."""
    return [known(value) for value in column.tolist()]


def _interval(low: float, high: float) -> Interval | None:
    return None if math.isnan(low) or math.isnan(high) else Interval(low, high)


def decided_of(scores_by_class: pd.DataFrame) -> dict[str, Decided]:
    """{label: how it fares in the test split}."""
    rows = scores_by_class[scores_by_class["split"] == Split.TEST.value]
    columns = (rows[name].tolist() for name in ("precision", "recall", "f1"))
    values = (Decided(*map(known, row)) for row in zip(*columns, strict=True))
    return dict(zip(rows["label"].tolist(), values, strict=True))


def headline(classes: Sequence[ScoreRow], means: Sequence[ScoreRow]) -> Headline:
    """What the test split says, from the rows of the classes and of the means."""
    test = SPLITS.index(Split.TEST)
    macro = next((row.scores[test] for row in means if row.label == "macro"), None)
    tested = [(row.label, score) for row in classes if (score := row.scores[test]) is not None]
    unmeasured = [label for label, score in tested if score.value is None]
    return Headline(
        macro=macro,
        measured=len(tested) - len(unmeasured),
        unmeasured=unmeasured,
        unreliable=[label for label, score in tested if score.value is not None and not score.reliable],
    )


def curves(precision_recall_curves: pd.DataFrame, classes: Sequence[ScoreRow]) -> list[Curve]:
    """The curve of every class in the test split."""
    points = curves_of_class(precision_recall_curves, Split.TEST)
    paths = {label: step_path(curve["recall"], curve["precision"]) for label, curve in points.items()}
    return [
        Curve(row.label, score, paths.get(row.label, ""))
        for row in classes
        if (score := row.scores[SPLITS.index(Split.TEST)]) is not None
    ]


def confusion_rows(confusion_matrix: pd.DataFrame) -> list[tuple[str, list[Cell]]]:
    """The confusion matrix of the test split, a row a class."""
    labels, counts = square(confusion_matrix, Split.TEST)
    rows = []
    for label, row in zip(labels, counts.tolist(), strict=True):
        of_class = max(sum(row), 1)
        rows.append((label, [Cell(predicted, n, n / of_class) for predicted, n in zip(labels, row, strict=True)]))
    return rows


def compared(comparison: pd.DataFrame) -> list[Compared]:
    """The rows of a `Comparison`, the mean last."""
    rows = comparison.sort_values(["kind", "label"])
    columns = (
        *(rows[name].tolist() for name in ("kind", "label", "positives", "locations")),
        *(_known(rows[name]) for name in ("average_precision", "earlier_average_precision", "difference")),
        [_interval(low, high) for low, high in zip(rows["low"], rows["high"], strict=True)],
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


def split_counts(rows: pd.DataFrame) -> list[SplitCounts]:
    """Images, crops and locations of every split and of all, from predictions that are `located`."""
    parts = [(split.value, rows[rows["split"] == split.value]) for split in SPLITS] + [("all", rows)]
    return [
        SplitCounts(
            name,
            images=len(part[["dataset", "image_id"]].drop_duplicates()),
            crops=len(part),
            locations=len(part[["dataset", "location"]].dropna().drop_duplicates()),
        )
        for name, part in parts
    ]


def shared_locations(rows: pd.DataFrame) -> list[str]:
    """The locations that are in more than one split, from predictions that are `located`: there should be none."""
    places = rows[["dataset", "location", "split"]].dropna().drop_duplicates()
    splits = places.groupby(["dataset", "location"]).size()
    return [f"{location} ({dataset})" for dataset, location in splits.index[splits > 1]]
