"""What the report tells of the classes and of the splits, computed from the tables for the template to lay out."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from animl_kedro.average_precision import MEANS
from animl_kedro.pipelines.reporting.charts import step_path
from animl_kedro.pipelines.reporting.confusion import square
from animl_kedro.pipelines.reporting.curves import curves_of_class
from animl_kedro.pipelines.reporting.wording import SPLITS, known, rows_of
from animl_kedro.tables import Split


@dataclass(frozen=True)
class Interval:
    """The ends of an interval, at the level of `ReportingParams`."""

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
        interval=interval_of(row["low"], row["high"]),
        image_interval=interval_of(row["image_low"], row["image_high"]),
        reliable=row["reliable"],
    )


def interval_of(low: float, high: float) -> Interval | None:
    """The interval of two ends, or None where they are missing."""
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
