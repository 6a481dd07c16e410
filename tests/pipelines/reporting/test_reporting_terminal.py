"""The result in the terminal."""

import io

import pandas as pd
import pytest
from rich.console import Console
from rich.table import Table

from animl_kedro.pipelines.reporting.measuring import measure
from animl_kedro.pipelines.reporting.terminal import terminal_table, terminal_verdict
from reporting_factories import HOSTILE_LABELS, PARAMS, make_crops, make_predictions, without


def output_of(*parts: object, width: int = 160) -> str:
    """What is printed, as into a pipe."""
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(*parts)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def table_of(predictions: pd.DataFrame) -> Table:
    return terminal_table(measure(predictions, make_crops(predictions), PARAMS), PARAMS.confidence_level)


def printed(predictions: pd.DataFrame) -> list[list[str]]:
    """The words of every row."""
    lines = output_of(table_of(predictions)).replace("┃", "│").splitlines()
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if "│" in line]


def test_terminal_table_has_classes_and_means_by_split_with_the_interval_of_the_test() -> None:
    predictions = make_predictions(skill=0.5)
    table = measure(predictions, make_crops(predictions), PARAMS).set_index(["split", "label"])
    values, lows, highs = (table[name].to_dict() for name in ("average_precision", "low", "high"))
    header, *rows = printed(predictions)
    assert header == ["", "test", "interval", "val", "train", "crops", "locations"]
    assert [row[0] for row in rows] == ["bird", "fox", "skunk", "macro", "weighted", "micro"]
    for label, test, interval, *others in rows:
        scores = [f"{values[split, label]:.3f}" for split in ("test", "val", "train")]
        assert [test, *others[:2]] == scores
        assert interval == f"{lows['test', label]:.3f}–{highs['test', label]:.3f}"
    assert rows[0][5:] == ["12", "3"]
    assert rows[-1][5:] == ["36", "3"]


def test_terminal_table_marks_classes_from_few_locations_and_says_what_the_mark_means() -> None:
    predictions = make_predictions()
    few = (predictions["label"] != "fox") | ~predictions["crop_id"].str.contains("place-2")
    predictions = predictions[few].reset_index(drop=True)
    marked = [row[0] for row in printed(predictions) if row[1].endswith("*")]
    assert marked == ["fox"]
    assert "* measured at fewer than three locations" in output_of(table_of(predictions))
    assert "*" not in output_of(table_of(make_predictions()))


@pytest.mark.parametrize("width", [80, 120])
def test_terminal_table_fits_the_terminal_with_long_labels_whole(width: int) -> None:
    labels = ("island spotted skunk of the west", "fox", "x" * 300)
    output = output_of(table_of(make_predictions(labels)), width=width)
    assert max(map(len, output.splitlines())) <= width
    assert "…" in output
    for word in labels[0].split():
        assert word in output
    assert output.count("0.") + output.count("1.000") >= 24  # no number is cut off


def test_terminal_table_of_a_missing_class_has_a_dash() -> None:
    rows = {row[0]: row[1:] for row in printed(without(make_predictions(), "test", "fox"))}
    assert rows["fox"][:2] == ["–", "–"]
    assert rows["fox"][4:] == ["0", "0"]
    assert rows["bird"][0] != "–"


def test_terminal_table_without_a_test_split_has_dashes() -> None:
    predictions = make_predictions()
    rows = printed(predictions[predictions["split"] == "val"])
    assert all({row[1], row[2], row[4], row[5], row[6]} == {"–"} != {row[3]} for row in rows[1:])


def test_terminal_table_of_hostile_labels_shows_them_as_they_are() -> None:
    predictions = make_predictions((*HOSTILE_LABELS, "\x1b[31mred"), crops=500)
    labels = [row[0] for row in printed(predictions)]
    assert "[red]rich[/red]" in labels
    assert labels.count("macro") == 2
    assert "�[31mred" in labels
    assert max(map(len, labels)) <= 40


def test_terminal_verdict_says_against_what_and_why_on_lines_that_fit() -> None:
    promotion = {
        "verdict": "not_worse",
        "reason": "The difference is [bold]small[/bold].",
        "earlier": "2026-01-01T00.00.00.000Z/predictions.parquet",
    }
    output = output_of(terminal_verdict(promotion), width=80)
    assert max(map(len, output.splitlines())) <= 80
    words = " ".join(output.split())
    assert words == ("Not worse than the version 2026-01-01T00.00.00.000Z: The difference is [bold]small[/bold].")


def test_terminal_verdict_without_anything_earlier_says_so() -> None:
    promotion = {"verdict": "nothing_to_compare", "reason": "There is none.", "earlier": None}
    assert output_of(terminal_verdict(promotion)).strip() == "Nothing earlier to compare with"
