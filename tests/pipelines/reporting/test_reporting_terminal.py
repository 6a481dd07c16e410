"""The result in the terminal."""

import io

import pandas as pd
from rich.console import Console

from animl_kedro.pipelines.reporting.measuring import measure
from animl_kedro.pipelines.reporting.terminal import terminal_table
from reporting_factories import HOSTILE_LABELS, PARAMS, make_crops, make_predictions, without


def printed(predictions: pd.DataFrame) -> list[list[str]]:
    """The words of every row."""
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    console.print(terminal_table(measure(predictions, make_crops(predictions), PARAMS)))
    output = console.file
    assert isinstance(output, io.StringIO)
    lines = output.getvalue().replace("┃", "│").splitlines()
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if "│" in line]


def test_terminal_table_has_classes_and_means_by_split() -> None:
    predictions = make_predictions(skill=0.5)
    table = measure(predictions, make_crops(predictions), PARAMS).set_index(["split", "label"])["average_precision"]
    header, *rows = printed(predictions)
    assert header == ["", "test", "val", "train", "test crops", "test locations"]
    assert [row[0] for row in rows] == ["bird", "fox", "skunk", "macro", "weighted", "micro"]
    for label, *cells in rows:
        assert cells[:3] == [f"{table[split, label]:.3f}" for split in ("test", "val", "train")]
    assert rows[0][4:] == ["12", "3"]
    assert rows[-1][4:] == ["36", "3"]


def test_terminal_table_of_a_missing_class_has_a_dash() -> None:
    rows = {row[0]: row[1:] for row in printed(without(make_predictions(), "test", "fox"))}
    assert rows["fox"][0] == "–"
    assert rows["fox"][3:] == ["0", "0"]
    assert rows["bird"][0] != "–"


def test_terminal_table_without_a_test_split_has_dashes() -> None:
    predictions = make_predictions()
    rows = printed(predictions[predictions["split"] == "val"])
    assert all(row[1] == row[3] == row[4] == row[5] == "–" != row[2] for row in rows[1:])


def test_terminal_table_of_hostile_labels_shows_them_as_they_are() -> None:
    predictions = make_predictions((*HOSTILE_LABELS, "\x1b[31mred"), crops=500)
    labels = [row[0] for row in printed(predictions)]
    assert "[red]rich[/red]" in labels
    assert labels.count("macro") == 2
    assert "�[31mred" in labels
    assert max(map(len, labels)) <= 40
