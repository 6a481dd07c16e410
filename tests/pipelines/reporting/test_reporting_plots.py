"""The two figures of the test split."""

import io
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from animl_kedro.pipelines.reporting.confusion import count_pairs
from animl_kedro.pipelines.reporting.curves import trace_curves
from animl_kedro.pipelines.reporting.measuring import measure
from animl_kedro.pipelines.reporting.metrics import bin_confidences
from animl_kedro.pipelines.reporting.plots import label_text, plot_bins, plot_curves, plot_matrix
from reporting_factories import HOSTILE_LABELS, PARAMS, make_crops, make_predictions, without


def drawn(figure: Figure) -> Figure:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(io.BytesIO(), format="png", dpi=40)
    return figure


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]


def plot_of(predictions: pd.DataFrame) -> Figure:
    return drawn(plot_curves(trace_curves(predictions), measure(predictions, make_crops(predictions), PARAMS)))


def test_plot_curves_has_a_line_a_class_with_its_score_in_the_legend() -> None:
    predictions = make_predictions()
    scores = measure(predictions, make_crops(predictions), PARAMS)
    fox = scores[(scores["split"] == "test") & (scores["label"] == "fox")]["average_precision"].item()
    figure = plot_of(predictions)
    assert len(figure.axes[0].get_lines()) == 3
    assert f"{fox:.3f}  fox" in texts_of(figure)


def test_plot_curves_has_the_average_precision_as_area() -> None:
    predictions = make_predictions(("cat", "fox"), skill=0.5)
    scores = measure(predictions, make_crops(predictions), PARAMS)
    expected = scores[(scores["split"] == "test") & (scores["kind"] == "class")]["average_precision"].tolist()
    for line, score in zip(plot_of(predictions).axes[0].get_lines(), expected, strict=True):
        assert line.get_drawstyle() == "steps-pre"
        recall, precision = np.asarray(line.get_data(), dtype=float)
        area = (np.diff(recall) * precision[1:]).sum()
        assert area == pytest.approx(score)


def test_plot_curves_of_a_missing_class_shows_a_dash_and_no_line() -> None:
    figure = plot_of(without(make_predictions(), "test", "fox"))
    assert len(figure.axes[0].get_lines()) == 2
    (fox,) = [text for text in texts_of(figure) if "fox" in text]
    assert fox.split() == ["–", "fox"]


def test_plot_curves_of_more_classes_than_colours_tells_all_apart() -> None:
    lines = plot_of(make_predictions(tuple(f"class {i:02d}" for i in range(30)), crops=900)).axes[0].get_lines()
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 30


@pytest.mark.parametrize("split", ["val", "test"])
def test_plots_with_hostile_labels_can_be_drawn(split: str) -> None:
    predictions = make_predictions(HOSTILE_LABELS, crops=400)
    predictions = predictions[predictions["split"] == split]
    assert len(texts_of(plot_of(predictions))) > 2
    assert len(texts_of(drawn(plot_matrix(count_pairs(predictions))))) >= 1


@pytest.mark.parametrize("label", ["$x^2$", "$", "a$b$c$d", r"\$", r"$\frac{$", r"\$a$"])
def test_label_text_with_dollars_is_shown_as_it_is(label: str) -> None:
    text = Text(0, 0, label_text(label))
    shown, is_formula = text._preprocess_math(text.get_text())  # type: ignore[attr-defined]
    assert (shown, is_formula) == (label, False)


def test_label_text_of_a_long_label_with_control_characters_is_short_and_plain() -> None:
    assert label_text("x" * 300) == "x" * 27 + "…"
    assert label_text("a\nb\x1b\u202e") == "a" + "\N{REPLACEMENT CHARACTER}".join(["", "b", "", ""])


def test_plot_matrix_shows_counts_and_shares_of_the_row() -> None:
    texts = texts_of(drawn(plot_matrix(count_pairs(make_predictions(skill=50.0)))))
    assert texts.count("12\n100%") == 3
    assert {"bird", "fox", "skunk", "true class", "predicted class"} <= set(texts)


def test_plot_bins_has_a_bar_as_high_as_crops_are_right_and_one_for_their_number() -> None:
    predictions = make_predictions(skill=1.0)
    bins = bin_confidences(predictions)
    test = bins[(bins["split"] == "test") & (bins["crops"] > 0)]
    above, below = drawn(plot_bins(bins)).axes
    heights = [[bar.get_height() for bar in axes.patches if isinstance(bar, Rectangle)] for axes in (above, below)]
    assert heights[0] == test["accuracy"].tolist()
    assert heights[1] == test["crops"].tolist()


def test_plots_without_a_test_split_say_so() -> None:
    predictions = make_predictions()
    predictions = predictions[predictions["split"] == "train"]
    for figure in (
        plot_of(predictions),
        drawn(plot_matrix(count_pairs(predictions))),
        drawn(plot_bins(bin_confidences(predictions))),
    ):
        assert "There is no crop in the test split" in texts_of(figure)
