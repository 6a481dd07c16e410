"""The result of a run, as a table for the terminal."""

import pandas as pd
from rich.table import Table
from rich.text import Text

from animl_kedro.pipelines.reporting.wording import NOT_MEASURABLE, SPLITS, rows_of, score, shortened
from animl_kedro.tables import Split

MEANS = ["macro", "weighted", "micro"]


def terminal_table(average_precision: pd.DataFrame) -> Table:
    """An `AveragePrecision` with a row a class and a mean, a column a split, and what the test is measured on."""
    table = Table("", *SPLITS, "test crops", "test locations", title="Average precision")
    for column in table.columns[1:]:
        column.justify = "right"
    classes = sorted(average_precision.loc[average_precision["kind"] == "class", "label"].unique())
    for kind, labels in (("class", classes), ("mean", MEANS)):
        for label in labels:
            table.add_row(Text(shortened(label, 40)), *_cells(average_precision, kind, label))
        table.add_section()
    return table


def _cells(average_precision: pd.DataFrame, kind: str, label: str) -> list[str]:
    """The scores by split, then the crops and the locations of the test."""
    values = {split: rows_of(average_precision, split, kind)["average_precision"] for split in SPLITS}
    test = rows_of(average_precision, Split.TEST, kind)
    counts = [test[column].get(label) for column in ("positives", "locations")]
    return [
        *(score(values[split].get(label)) for split in SPLITS),
        *(NOT_MEASURABLE if count is None else f"{int(count):,}" for count in counts),
    ]
