"""Numbers and labels as a person reads them, the same in the terminal, the plots and the report."""

import math

import pandas as pd

from animl_kedro.tables import Split, Verdict

SPLITS = (Split.TEST, Split.VAL, Split.TRAIN)
"""The order in which results are told: the one that counts comes first."""

VERDICTS = {
    Verdict.BETTER: "Better than",
    Verdict.NOT_WORSE: "Not worse than",
    Verdict.WORSE: "Worse than",
    Verdict.UNDECIDED: "Undecided against",
    Verdict.NOTHING_TO_COMPARE: "Nothing earlier to compare with",
}
"""How a classifier stands to an earlier one, which is named behind it."""

NOT_MEASURABLE = "–"


def score(value: float | None) -> str:
    """An average precision with three digits, or a dash where there is none."""
    return NOT_MEASURABLE if value is None or math.isnan(value) else f"{value:.3f}"


def change(value: float | None) -> str:
    """A difference with its sign and three digits, or a dash where there is none."""
    return NOT_MEASURABLE if value is None or math.isnan(value) else f"{value:+.3f}"


def known(value: float) -> float | None:
    """A number, or None where it is missing."""
    return None if math.isnan(value) else value


def dates(column: "pd.Series[pd.Timestamp]") -> list[str]:
    """Dates to the minute, empty where they are missing."""
    return column.dt.strftime("%Y-%m-%d %H:%M").fillna("").tolist()


def interval(low: float | None, high: float | None) -> str:
    """The ends of an interval, with three digits, or a dash where there are none."""
    return NOT_MEASURABLE if score(low) == NOT_MEASURABLE else f"{score(low)} to {score(high)}"


def origin(source: str) -> str:
    """The version of `EarlierPredictions` that have one, as "version/file", or the name of the file."""
    version, _, name = source.rpartition("/")
    return f"the version {version}" if version else name


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun: "1 crop", "1,204 crops"."""
    return f"{number:,} {one if number == 1 else many}"


def shortened(label: str, length: int) -> str:
    """A label on one line, without control characters, and of so many characters at most."""
    plain = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in label)
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def rows_of(average_precision: pd.DataFrame, split: Split, kind: str) -> pd.DataFrame:
    """The rows of one split that are of this kind ("class" or "mean"), by label."""
    rows = average_precision[(average_precision["split"] == split.value) & (average_precision["kind"] == kind)]
    return rows.set_index("label").sort_index()
