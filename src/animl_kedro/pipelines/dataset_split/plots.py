"""A picture of the splits."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from animl_kedro.tables import Split

COLOURS = {Split.TRAIN: "#3b6ea5", Split.VAL: "#e0a030", Split.TEST: "#b5483a"}
BAR_HEIGHT = 0.27
"""In units of a class's place, which holds three bars."""


def plot_split_balance(split_summary: pd.DataFrame) -> Figure:
    """Bars of each class's share of crops in every split, with their counts, and a mark at what was wanted."""
    classes = split_summary["label"].unique().tolist()
    figure = Figure(figsize=(9, 1.6 + 0.55 * len(classes)), layout="constrained")
    axes = figure.subplots()
    for place, split in enumerate(Split):
        rows = split_summary[split_summary["split"] == split].set_index("label").loc[classes]
        _plot_split(axes, rows, split, [index + BAR_HEIGHT * (place - 1) for index in range(len(classes))])
    axes.set_yticks(range(len(classes)), classes)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_xlim(0, min(1.15, float(split_summary[["crop_share", "wanted_share"]].to_numpy().max()) + 0.22))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("share of the class's crops")
    figure.suptitle("Crops by class and split; no location is in two splits", x=0.02, ha="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), frameon=False, ncols=4, loc="outside upper right")
    return figure


def _plot_split(axes: Axes, rows: pd.DataFrame, split: Split, positions: list[float]) -> None:
    """The bars of one split, its marks, and its counts beside whichever is longer."""
    axes.barh(positions, rows["crop_share"], height=BAR_HEIGHT * 0.9, color=COLOURS[split], label=split)
    axes.plot(
        rows["wanted_share"],
        positions,
        linestyle="none",
        marker="|",
        markersize=11,
        markeredgewidth=2,
        color="black",
        label="wanted" if split is Split.TEST else None,
    )
    longest = rows[["crop_share", "wanted_share"]].max(axis=1)
    for row, length, position in zip(rows.itertuples(), longest, positions, strict=True):
        axes.annotate(
            f"{row.crops} at {row.locations} location{'' if row.locations == 1 else 's'}",
            (length, position),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )
