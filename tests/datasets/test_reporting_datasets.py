"""Interactive figures and a classifier's card as datasets."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
from kedro.io import DatasetError, Version

from animl_kedro.datasets.classifier_card import ClassifierCardDataset
from animl_kedro.datasets.plotly_figures import PlotlyFigureDataset

FIGURE = {"data": [{"type": "bar", "y": [1, 2]}], "layout": {"title": {"text": "🦊 fox"}}}


def write_card(folder: Path, version: str, content: str) -> None:
    card = folder / version / "classifier" / "classifier.json"
    card.parent.mkdir(parents=True)
    card.write_text(content, encoding="utf-8")


def card_dataset(folder: Path, load: str | None = None) -> ClassifierCardDataset:
    return ClassifierCardDataset(filepath=str(folder / "classifier"), version=Version(load, None))


def test_figure_loads_as_it_was_saved(tmp_path: Path) -> None:
    dataset = PlotlyFigureDataset(filepath=str(tmp_path / "figure.json"), version=Version(None, "2026-01-01"))
    assert not dataset.exists()
    dataset.save(FIGURE)
    assert dataset.exists()
    assert dataset.load() == FIGURE
    (file,) = tmp_path.glob("figure.json/*/figure.json")
    assert "\n" not in file.read_text()  # of a curve's thousand numbers none has a line of its own


def test_figure_has_a_preview_that_kedro_viz_takes_for_plotly(tmp_path: Path) -> None:
    dataset = PlotlyFigureDataset(filepath=str(tmp_path / "figure.json"), metadata={"kedro-viz": {}})
    dataset.save(FIGURE)
    assert dataset.preview() == FIGURE
    assert inspect.signature(dataset.preview).return_annotation.__name__ == "PlotlyPreview"
    assert dataset.metadata == {"kedro-viz": {}}


def test_card_is_read_of_the_newest_version_or_of_the_one_that_is_asked_for(tmp_path: Path) -> None:
    for number in (1, 2):
        write_card(tmp_path / "classifier", f"2026-01-0{number}", json.dumps({"number": number, "label": "🦊"}))
    assert card_dataset(tmp_path).load() == {"number": 2, "label": "🦊"}
    assert card_dataset(tmp_path, "2026-01-01").load() == {"number": 1, "label": "🦊"}


def test_card_of_a_version_that_is_written_after_the_check_for_inputs_is_the_one_that_is_read(tmp_path: Path) -> None:
    dataset = card_dataset(tmp_path)
    write_card(tmp_path / "classifier", "2026-01-01", json.dumps({"number": 1}))
    assert dataset.exists()
    write_card(tmp_path / "classifier", "2026-01-02", json.dumps({"number": 2}))
    assert dataset.load() == {"number": 2}


def test_card_without_a_classifier_is_empty_and_no_reason_to_stop(tmp_path: Path) -> None:
    assert card_dataset(tmp_path).exists()
    assert card_dataset(tmp_path).load() == {}


@pytest.mark.parametrize("content", ["", "{", "[]", '"card"'])
def test_card_that_is_damaged_is_refused_with_its_path(tmp_path: Path, content: str) -> None:
    write_card(tmp_path / "classifier", "2026-01-01", content)
    with pytest.raises(DatasetError, match=r"classifier\.json is not the card of a classifier"):
        card_dataset(tmp_path).load()


def test_card_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="a part of the entry classifier"):
        card_dataset(tmp_path).save({})


def test_import_of_both_is_light() -> None:
    code = (
        "import sys, animl_kedro.datasets.classifier_card, animl_kedro.datasets.plotly_figures; "
        "print(sorted({'torch', 'plotly', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
