"""Interactive figures, with a menu of the splits. The test comes first.

A figure is what plotly's JSON holds: ``data`` and ``layout``, see https://plotly.com/javascript/reference. Labels reach
it as positions on an axis and as escaped names: plotly takes numerals for numbers, and some HTML for markup.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.pipelines.reporting.confusion import square
from animl_kedro.pipelines.reporting.curves import curves_of_class
from animl_kedro.pipelines.reporting.wording import SPLITS, rows_of, score, shortened
from animl_kedro.tables import Split

Trace = dict[str, Any]
Figure = dict[str, Any]

SPLIT_COLOURS = {Split.TRAIN: "#3b6ea5", Split.VAL: "#e0a030", Split.TEST: "#b5483a"}
GREENS = [[0, "#f2f5f3"], [1, "#1b6b57"]]
LABEL_LENGTH = 28


def precision_recall_figure(precision_recall_curves: pd.DataFrame, average_precision: pd.DataFrame) -> Figure:
    """A curve a class, with the threshold at every point, and its average precision beside its name."""
    traces = {split: _curves(precision_recall_curves, average_precision, split) for split in SPLITS}
    axes = {
        "xaxis": {"title": {"text": "recall"}, "range": [0, 1.01]},
        "yaxis": {"title": {"text": "precision"}, "range": [0, 1.02]},
    }
    return _figure("Precision and recall", traces, axes)


def reliability_figure(reliability: pd.DataFrame) -> Figure:
    """How often the classifier is right by how sure it is, with the line where the two are the same."""
    traces = {split: _bins(reliability[reliability["split"] == split.value]) for split in SPLITS}
    axes = {
        "xaxis": {"title": {"text": "confidence"}, "range": [0, 1]},
        "yaxis": {"title": {"text": "right"}, "range": [0, 1.02]},
        "shapes": [{"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1, "line": {"dash": "dash", "width": 1}}],
        "bargap": 0.05,
    }
    return _figure("Reliability: whether its probabilities can be believed", traces, axes)


def confusion_figure(confusion_matrix: pd.DataFrame) -> Figure:
    """Counts, and per cents of the row's class; every split has all classes."""
    squares = {split: square(confusion_matrix, split) for split in SPLITS}
    traces = {split: [_heatmap(labels, counts)] if labels else [] for split, (labels, counts) in squares.items()}
    labels = max((labels for labels, _ in squares.values()), key=len)
    axes = {
        "xaxis": _places(labels) | {"title": {"text": "predicted class"}, "tickangle": -45},
        "yaxis": _places(labels) | {"title": {"text": "true class"}, "autorange": "reversed"},
    }
    return _figure("Confusion matrix: what was taken for what", traces, axes)


def split_figure(average_precision: pd.DataFrame) -> Figure:
    """Crops of every class in every split, as bars; how many locations they are from is told at each."""
    rows = {split: rows_of(average_precision, split, "class") for split in Split}
    labels = sorted({label for part in rows.values() for label in part.index.tolist()})
    counts = {
        split: part.reindex(labels)[["positives", "locations"]].fillna(0).astype(int) for split, part in rows.items()
    }
    bars = [
        {
            "type": "bar",
            "name": split.value,
            "x": list(range(len(labels))),
            "y": counts[split]["positives"].tolist(),
            "marker": {"color": colour},
            "customdata": counts[split]["locations"].tolist(),
            "hovertemplate": "%{y:,} crops at %{customdata:,} locations",
        }
        for split, colour in SPLIT_COLOURS.items()
    ]
    axes = {"xaxis": _places(labels), "yaxis": {"title": {"text": "crops"}}}
    return {"data": bars, "layout": {"title": {"text": "Crops by class and split"}, "barmode": "group"} | axes}


def shown_label(label: str) -> str:
    """A label as plotly shows it: short, and with its markup escaped."""
    return html.escape(shortened(label, LABEL_LENGTH), quote=False)


def _figure(title: str, traces_of_split: Mapping[Split, Sequence[Trace]], axes: Mapping[str, Any]) -> Figure:
    """A figure that shows the traces of one split at a time; a menu chooses among those that have any."""
    splits = [split for split, traces in traces_of_split.items() if traces]
    traces = [(split, trace) for split in splits for trace in traces_of_split[split]]
    buttons = [
        {"label": split.value, "method": "restyle", "args": ["visible", [owner is split for owner, _ in traces]]}
        for split in splits
    ]
    menu = {"buttons": buttons, "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"}
    return {
        "data": [trace | {"visible": split is splits[0]} for split, trace in traces],
        "layout": {"title": {"text": title}, "updatemenus": [menu] if buttons else [], **axes},
    }


def _curves(curves: pd.DataFrame, average_precision: pd.DataFrame, split: Split) -> list[Trace]:
    scores = rows_of(average_precision, split, "class")["average_precision"]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"{score(scores.get(label))} {shown_label(label)}",
            "line": {"shape": "vh"},  # precision is continued to the recall before
            "x": [0, *_rounded(rows["recall"])],
            "y": [*_rounded(rows["precision"].iloc[:1]), *_rounded(rows["precision"])],
            "customdata": [*_rounded(rows["threshold"].iloc[:1]), *_rounded(rows["threshold"])],
            "hovertemplate": "recall %{x:.3f}<br>precision %{y:.3f}<br>threshold %{customdata:.3f}",
        }
        for label, rows in curves_of_class(curves, split).items()
    ]


def _bins(reliability: pd.DataFrame) -> list[Trace]:
    rows = reliability[reliability["crops"] > 0].sort_values("bin")
    if rows.empty:
        return []
    bars = {
        "type": "bar",
        "x": _rounded((rows["low"] + rows["high"]) / 2),
        "width": _rounded(rows["high"] - rows["low"]),
        "y": _rounded(rows["accuracy"]),
        "customdata": [
            [crops, *_rounded([confidence])]
            for crops, confidence in zip(rows["crops"].tolist(), rows["mean_confidence"], strict=True)
        ],
        "marker": {"color": "#1b6b57", "opacity": 0.6},
        "hovertemplate": "sure by %{customdata[1]:.1%}<br>right in %{y:.1%}<br>%{customdata[0]:,} crops<extra></extra>",
    }
    return [bars]


def _heatmap(labels: Sequence[str], counts: NDArray[np.int64]) -> Trace:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [shown_label(label) for label in labels]
    texts = np.array([f"{crops:,}<br>{share:.0%}" for crops, share in zip(counts.flat, shares.flat, strict=True)])
    return {
        "type": "heatmap",
        "z": [_rounded(row) for row in shares],
        "zmin": 0,
        "zmax": 1,
        "colorscale": GREENS,
        "colorbar": {"tickformat": ".0%"},
        "text": texts.reshape(counts.shape).tolist(),
        "texttemplate": "%{text}",
        "customdata": [[[label, predicted] for predicted in names] for label in names],
        "hovertemplate": "%{customdata[0]} taken for %{customdata[1]}<br>%{text}<extra></extra>",
    }


def _places(labels: Sequence[str]) -> dict[str, Any]:
    """An axis with a label at every whole number."""
    return {"tickvals": list(range(len(labels))), "ticktext": [shown_label(label) for label in labels]}


def _rounded(values: Iterable[float]) -> list[float]:
    """With as many digits as a screen can show."""
    return [round(float(value), 5) for value in values]
