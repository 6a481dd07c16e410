"""The interactive figures."""

import json
from typing import Any

import pandas as pd
import plotly.io
import pytest

from animl_kedro.pipelines.reporting.confusion import count_pairs
from animl_kedro.pipelines.reporting.curves import trace_curves
from animl_kedro.pipelines.reporting.figures import (
    confusion_figure,
    precision_recall_figure,
    reliability_figure,
    shown_label,
    split_figure,
)
from animl_kedro.pipelines.reporting.measuring import measure
from animl_kedro.pipelines.reporting.metrics import bin_confidences
from animl_kedro.tables import Predictions
from reporting_factories import HOSTILE_LABELS, PARAMS, make_crops, make_predictions, shuffled, without


def curves_of(predictions: pd.DataFrame) -> dict[str, Any]:
    return precision_recall_figure(trace_curves(predictions), measure(predictions, make_crops(predictions), PARAMS))


def splits_of(predictions: pd.DataFrame) -> dict[str, Any]:
    return split_figure(measure(predictions, make_crops(predictions), PARAMS))


def confusions_of(predictions: pd.DataFrame) -> dict[str, Any]:
    return confusion_figure(count_pairs(predictions))


def reliability_of(predictions: pd.DataFrame) -> dict[str, Any]:
    return reliability_figure(bin_confidences(predictions))


FIGURES = (curves_of, confusions_of, splits_of, reliability_of)


@pytest.mark.parametrize("make_figure", FIGURES)
@pytest.mark.parametrize("rows", [slice(None), slice(0, 0)])
def test_figures_are_what_plotly_accepts_labels_hostile_or_absent(make_figure: Any, rows: slice) -> None:
    predictions = Predictions.validate(make_predictions(HOSTILE_LABELS, crops=300).iloc[rows])
    text = json.dumps(make_figure(predictions), allow_nan=False)
    plotly.io.from_json(text, skip_invalid=False)
    assert not any(f"<{element}" in text for element in ("script", "/style", "img"))


@pytest.mark.parametrize("make_figure", FIGURES)
def test_figures_of_shuffled_rows_are_the_same(make_figure: Any) -> None:
    predictions = make_predictions(skill=0.5)
    assert make_figure(shuffled(predictions)) == make_figure(predictions)


def test_precision_recall_figure_shows_the_test_first_and_the_other_splits_by_a_menu() -> None:
    figure = curves_of(without(make_predictions(), "val", "fox"))
    visible = [trace["visible"] for trace in figure["data"]]
    assert visible == [True] * 3 + [False] * 5
    buttons = figure["layout"]["updatemenus"][0]["buttons"]
    assert [button["label"] for button in buttons] == ["test", "val", "train"]
    assert [button["args"][1] for button in buttons] == [
        [True] * 3 + [False] * 5,
        [False] * 3 + [True] * 2 + [False] * 3,
        [False] * 5 + [True] * 3,
    ]


def test_precision_recall_figure_has_the_average_precision_as_area_and_in_the_name() -> None:
    predictions = make_predictions(skill=0.5)
    scores = measure(predictions, make_crops(predictions), PARAMS)
    scores = scores[(scores["split"] == "test") & (scores["kind"] == "class")]
    for trace, score in zip(curves_of(predictions)["data"], scores["average_precision"], strict=False):
        widths = [after - before for before, after in zip(trace["x"], trace["x"][1:], strict=False)]
        area = sum(width * height for width, height in zip(widths, trace["y"][1:], strict=True))
        assert area == pytest.approx(score, abs=1e-4)
        assert f"{score:.3f}" in trace["name"]
        assert len(trace["customdata"]) == len(trace["x"])


def test_confusion_figure_has_all_labels_with_counts_and_per_cents_of_the_row() -> None:
    figure = confusions_of(without(make_predictions(skill=50.0), "test", "fox"))
    heatmap = figure["data"][0]
    assert heatmap["text"] == [
        ["12<br>100%", "0<br>0%", "0<br>0%"],
        ["0<br>0%", "0<br>0%", "0<br>0%"],
        ["0<br>0%", "0<br>0%", "12<br>100%"],
    ]
    assert heatmap["customdata"][0][2] == ["bird", "skunk"]
    for axis in ("xaxis", "yaxis"):
        assert figure["layout"][axis]["ticktext"] == ["bird", "fox", "skunk"]


def test_reliability_figure_has_a_bar_where_there_are_crops_as_high_as_they_are_right() -> None:
    predictions = make_predictions(skill=1.0)
    bins = bin_confidences(predictions)
    test = bins[(bins["split"] == "test") & (bins["crops"] > 0)]
    bars = reliability_of(predictions)["data"][0]
    assert bars["y"] == pytest.approx(test["accuracy"].tolist(), abs=1e-5)
    assert [crops for crops, _ in bars["customdata"]] == test["crops"].tolist()
    assert sum(crops for crops, _ in bars["customdata"]) == 36


def test_split_figure_counts_crops_and_locations_with_zeros() -> None:
    bars = {bar["name"]: bar for bar in splits_of(without(make_predictions(), "test", "fox"))["data"]}
    assert list(bars) == ["train", "val", "test"]
    assert bars["val"]["y"] == [12, 12, 12]
    assert bars["test"]["y"] == [12, 0, 12]
    assert bars["test"]["customdata"] == [3, 0, 3]


def test_shown_label_is_short_and_has_no_markup() -> None:
    assert shown_label('<a href="x">&') == '&lt;a href="x"&gt;&amp;'
    assert len(shown_label("x" * 300)) == 28
