"""Pictures of how good the classifier is on the test split."""

import numpy as np
import pandas as pd
from matplotlib import color_sequences
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from animl_kedro.pipelines.reporting.confusion import square
from animl_kedro.pipelines.reporting.curves import curves_of_class
from animl_kedro.pipelines.reporting.wording import rows_of, score, shortened
from animl_kedro.tables import Split

COLOURS = color_sequences["petroff10"]
LINE_STYLES = ["-", "--", ":", "-."]
"""Ten colours that colour-blind people can tell apart, and a style for every ten classes."""

LEGEND_ROWS = 24

FIGURE_SPACE = "\N{FIGURE SPACE}"
"""As wide as a digit."""


def plot_curves(precision_recall_curves: pd.DataFrame, average_precision: pd.DataFrame) -> Figure:
    """The precision-recall curves of the test split, a line a class; the area below a line is its average precision."""
    classes = rows_of(average_precision, Split.TEST, "class")["average_precision"]
    curves = curves_of_class(precision_recall_curves, Split.TEST)
    columns = -(-len(classes) // LEGEND_ROWS) or 1
    figure = Figure(figsize=(6 + 2.6 * columns, 5.5), layout="constrained")
    axes = figure.subplots()
    lines = [
        _draw_curve(axes, curves.get(label), COLOURS[place % 10], LINE_STYLES[place // 10 % len(LINE_STYLES)])
        for place, label in enumerate(classes.index.tolist())
    ]
    names = [
        f"{score(value).center(5, FIGURE_SPACE)}  {label_text(label)}"
        for label, value in zip(classes.index.tolist(), classes, strict=True)
    ]
    axes.set(xlim=(0, 1.005), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title("Precision and recall on the test locations" if names else "There is no crop in the test split")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    title = "average precision"
    figure.legend(lines, names, title=title, loc="outside right upper", ncols=columns, frameon=False, fontsize=9)
    return figure


def plot_matrix(confusion_matrix: pd.DataFrame) -> Figure:
    """The confusion matrix of the test split: counts, and per cents of the row's class."""
    labels, counts = square(confusion_matrix, Split.TEST)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.5 + 0.6 * len(labels)
    figure = Figure(figsize=(side + 0.5, side), layout="constrained")
    axes = figure.subplots()
    axes.set_title("Crops of the test split" if labels else "There is no crop in the test split")
    if not labels:
        return figure
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    names = [label_text(label) for label in labels]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="true class")
    for row, column in np.argwhere(counts).tolist():
        share = shares[row, column]
        text = f"{counts[row, column]:,}\n{share:.0%}"
        colour = "white" if share > 0.6 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    return figure


def plot_bins(reliability: pd.DataFrame) -> Figure:
    """How often the classifier is right by how sure it is in the test split, and below how many crops there are."""
    bins = reliability[(reliability["split"] == Split.TEST.value) & (reliability["crops"] > 0)]
    figure = Figure(figsize=(5.5, 6.5), layout="constrained")
    above, below = figure.subplots(2, height_ratios=[4, 1], sharex=True)
    above.set_title("Test locations" if len(bins) else "There is no crop in the test split")
    place = {"x": bins["low"], "width": bins["high"] - bins["low"], "align": "edge", "edgecolor": "white"}
    above.bar(height=bins["accuracy"], color="#1b6b57", alpha=0.6, **place)
    above.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=1)
    below.bar(height=bins["crops"], color="grey", **place)
    above.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="right")
    below.set(xlabel="confidence", ylabel="crops")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def label_text(label: str) -> str:
    """A label as plain text for matplotlib, which would read what is between two dollars as a formula."""
    return shortened(label, 28).replace("$", r"\$")


def _draw_curve(axes: Axes, curve: pd.DataFrame | None, colour: object, style: str) -> Line2D:
    """Draw a curve as steps, with precision continued to the recall below; without a curve there is no line."""
    if curve is None:
        return Line2D([], [], linestyle="none")
    recall = [0.0, *curve["recall"]]
    precision = [curve["precision"].iloc[0], *curve["precision"]]
    return axes.plot(recall, precision, drawstyle="steps-pre", color=colour, linestyle=style, linewidth=1.6)[0]
