"""A picture of the splits."""

import pandas as pd
from matplotlib.figure import Figure

from animl_kedro.tables import Split

COLOURS = {Split.TRAIN: "#3b6ea5", Split.VAL: "#e0a030", Split.TEST: "#b5483a"}


def plot_split_balance(split_summary: pd.DataFrame) -> Figure:
    """Bars of crops by class and split, each with its count, the share of locations below the class's name."""
    counts = split_summary.pivot_table(index="label", columns="split", values="crops", sort=False)
    figure = Figure(figsize=(1.5 + 1.5 * len(counts), 4), layout="constrained")
    axes = figure.subplots()
    for place, split in enumerate(Split):
        positions = [index + 0.27 * (place - 1) for index in range(len(counts))]
        bars = axes.bar(positions, counts[split], width=0.25, label=split, color=COLOURS[split])
        axes.bar_label(bars, fmt="{:.0f}", fontsize=8)
    axes.set_xticks(range(len(counts)), list(counts.index))
    axes.set_ylabel("crops")
    axes.set_title("Crops by class and split (no location is in two splits)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure
