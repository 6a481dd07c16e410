"""The result of a run, as a table for the terminal."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from animl_kedro.average_precision import MEANS
from animl_kedro.pipelines.reporting.wording import (
    NOT_MEASURABLE,
    SPLITS,
    VERDICTS,
    origin,
    rows_of,
    score,
    shortened,
)
from animl_kedro.tables import Split, Verdict

UNRELIABLE = "*"


def terminal_table(average_precision: pd.DataFrame, confidence_level: float) -> Table:
    """An `AveragePrecision` with a row a class and a mean: the test with its interval, and the other splits.

    It fits 80 columns, long labels on several lines. A note below tells what the mark of unreliable classes means.
    """
    title = f"Average precision, with {confidence_level:.0%} intervals over locations"
    table = Table("", "test", "interval", *SPLITS[1:], "crops", "locations", title=title)
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    classes = sorted(average_precision.loc[average_precision["kind"] == "class", "label"].unique())
    for kind, labels in (("class", classes), ("mean", MEANS)):
        rows = [rows_of(average_precision, split, kind).to_dict("index") for split in SPLITS]
        for label in labels:
            _add_row(table, label, [of_split.get(label) for of_split in rows])
        table.add_section()
    if any(UNRELIABLE in str(cell) for cell in table.columns[1].cells):
        table.caption = f"{UNRELIABLE} measured at fewer than three locations: not to be relied on"
    return table


def _add_row(table: Table, label: str, rows: Sequence[Mapping[Hashable, Any] | None]) -> None:
    """The scores in `SPLITS`, and what that of the test is measured on."""
    test = rows[SPLITS.index(Split.TEST)]
    cells = [score(row["average_precision"]) if row else NOT_MEASURABLE for row in rows]
    interval, counts, mark = NOT_MEASURABLE, [NOT_MEASURABLE] * 2, " "
    if test is not None:
        counts = [f"{test[name]:,}" for name in ("positives", "locations")]
        if not pd.isna(test["low"]):
            interval = f"{score(test['low'])}–{score(test['high'])}"
        if not test["reliable"] and not pd.isna(test["average_precision"]):
            mark = UNRELIABLE
    style = "dim" if mark == UNRELIABLE else ""
    table.add_row(Text(shortened(label, 40)), cells[0] + mark, interval, *cells[1:], *counts, style=style)


def terminal_verdict(promotion: Mapping[str, Any]) -> Text:
    """How the classifier stands to the earlier one, on one or more lines."""
    verdict = VERDICTS[Verdict(promotion["verdict"])]
    if not promotion["earlier"]:
        return Text(verdict)
    earlier = shortened(origin(promotion["earlier"]), 80)
    return Text.assemble((f"{verdict} {earlier}", "bold"), f": {shortened(promotion['reason'], 300)}")
