"""Bars of how often something occurs."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from animl_kedro.plotting.sheets import plain

COLOUR = "#3b6ea5"


def count_bars(values: "pd.Series[Any]", title: str = "", *, most: int = 30) -> Figure:
    """How often each value of a column occurs: numbers in their order, texts from the most frequent on.

    Of the texts, `most` have a bar; how many others there are, and how many values are missing, is told.
    """
    counts = values.value_counts()
    is_number = pd.api.types.is_numeric_dtype(values)
    shown = counts.sort_index() if is_number else counts.head(most)
    size = (7.0, 2.6) if is_number else (7.0, 0.8 + 0.24 * max(len(shown), 1))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    (_draw_upright if is_number else _draw_lying)(axes, shown)
    axes.set_title(title or str(values.name or ""), loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    if remarks := _remarks(values, len(counts) - len(shown)):
        figure.supxlabel(remarks, fontsize=8)
    return figure


def _draw_upright(axes: Axes, counts: "pd.Series[int]") -> None:
    axes.bar(counts.index.astype(float), counts, color=COLOUR)
    axes.locator_params(axis="both", integer=True)


def _draw_lying(axes: Axes, counts: "pd.Series[int]") -> None:
    bars = axes.barh(range(len(counts)), counts, color=COLOUR)
    axes.bar_label(bars, [f"{count:,}" for count in counts], padding=3, fontsize=8)
    axes.set_yticks(range(len(counts)), [plain(str(value)) for value in counts.index], fontsize=8)
    axes.set_ylim(max(len(counts), 1) - 0.5, -0.5)
    axes.margins(x=0.1)
    axes.locator_params(axis="x", integer=True)


def _remarks(values: "pd.Series[Any]", others: int) -> str:
    missing = int(values.isna().sum())
    parts = [f"{others:,} others are less frequent"] if others else []
    return "; ".join([*parts, f"missing in {missing:,} of {len(values):,} rows"] if missing else parts)
