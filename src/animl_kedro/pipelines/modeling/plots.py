"""A picture of the training."""

import pandas as pd
from matplotlib.figure import Figure

from animl_kedro.tables import Split

COLOURS = {Split.TRAIN: "#3b6ea5", Split.VAL: "#e0a030"}
MEASURES = {"loss": "loss", "macro_average_precision": "macro average precision"}


def plot_history(history: pd.DataFrame) -> Figure:
    """Loss and macro average precision by epoch, training and validation, with the best epoch marked."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    best = history.loc[history["best"], "epoch"].iloc[0]
    for axes, (column, name) in zip(figure.subplots(1, 2), MEASURES.items(), strict=True):
        for split, colour in COLOURS.items():
            rows = history[history["split"] == split]
            axes.plot(rows["epoch"], rows[column], label=split, color=colour, marker=".")
        axes.axvline(best, color="0.6", linestyle=":", label=f"best epoch ({best})")
        axes.set_xlabel("epoch")
        axes.set_title(name)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return figure
