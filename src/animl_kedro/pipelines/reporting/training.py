"""How the training went, for the report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from animl_kedro.pipelines.reporting.charts import LineChart, line_chart
from animl_kedro.tables import Split


@dataclass(frozen=True)
class Training:
    """The epochs, and charts of them; ``best_score`` is the macro average precision in validation at the best one."""

    epochs: int
    best_epoch: int | None
    best_score: float | None
    charts: Sequence[LineChart]


def summarize_training(history: pd.DataFrame) -> Training:
    """Chart loss and macro average precision by epoch; without a history there are no charts."""
    # an epoch is marked when it is better than all before: the last mark is the best of all
    best_epoch = max(history.loc[history["best"], "epoch"].tolist(), default=None)
    loss = _by_epoch(history, "loss")
    scores = _by_epoch(history, "macro_average_precision")
    best_score = math.nan if best_epoch is None else scores.get(Split.VAL, {}).get(best_epoch, math.nan)
    charts = [
        line_chart("Loss", loss, best_epoch),
        line_chart("Macro average precision", scores, best_epoch, top=1.0),
    ]
    return Training(
        epochs=history["epoch"].nunique(),
        best_epoch=best_epoch,
        best_score=None if math.isnan(best_score) else best_score,
        charts=charts if len(history) else [],
    )


def _by_epoch(history: pd.DataFrame, column: str) -> dict[str, dict[int, float]]:
    """{split: {epoch: value}} of the splits that are in the history."""
    of_split = {split.value: history[history["split"] == split.value] for split in Split}
    return {
        split: dict(zip(rows["epoch"].tolist(), rows[column].tolist(), strict=True))
        for split, rows in of_split.items()
        if len(rows)
    }
