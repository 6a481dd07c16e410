"""The report as a page: what stands on it, that it needs nothing else, and that nothing from outside acts on it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.errors import InputError
from animl_kedro.formats.earlier_predictions import EarlierPredictions
from animl_kedro.pipelines.reporting.parameters import ThresholdParams, ThresholdTarget
from animl_kedro.tables import Predictions, data_checksum
from report_pages import Page, make_inputs, make_report, make_results, write_report
from reporting_factories import HOSTILE_LABELS, make_crops, make_history, make_predictions, shuffled, without

ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "section", "footer", "div", "span", "p", "h1", "h2"),
    *("h3", "h4", "b", "bdi", "small", "dl", "dt", "dd", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"),
    *("figure", "figcaption", "img", "svg", "defs", "g", "path", "use", "text", "i", "code"),
}
ATTRIBUTES = {
    *("lang", "charset", "name", "content", "http-equiv", "class", "style", "title", "id", "src", "alt", "href"),
    *("colspan", "scope", "role", "aria-label", "aria-hidden", "viewbox", "d", "x", "y", "transform"),
}


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """What the report on small predictions is written from; to be left as it is."""
    return make_results(make_inputs(make_predictions(skill=0.5)))


def test_report_begins_with_the_macro_average_precision_its_interval_and_the_verdict(results: dict[str, Any]) -> None:
    table = results["average_precision"].set_index(["split", "label"])
    macro, low, high = (f"{table.loc[('test', 'macro'), name]:.3f}" for name in ("average_precision", "low", "high"))
    text = Page(write_report(results)).text
    answer = [
        *("Species classifier", macro, "macro average precision on the test locations"),
        *(f"95 % interval: {low} to {high}", "Measured on 36 crops from 3 locations that played no part in training"),
        *("Nothing earlier to compare with", "Average precision by class"),
    ]
    places = [text.index(part) for part in answer]
    assert places == sorted(places)
    for value in table.loc["test"]["average_precision"]:
        assert f"{value:.3f}" in text


def test_report_shows_everything_that_was_measured(results: dict[str, Any]) -> None:
    text = Page(write_report(results)).text
    for heading in (
        *("Average precision by class", "Precision and recall", "Reliability"),
        *(
            "Confusion matrix",
            "Where it fails",
            "Pictures from the test",
            "Which threshold",
            "By sequence",
            "Other measures",
        ),
        *("Intended use", "Data", "Limits", "Training", "Classifier"),
    ):
        assert heading in text
    loss = results["metrics"]["crops"]["test"]["log_loss"]
    assert f"{loss:.3f}" in text
    threshold = results["recommended_thresholds"].set_index("label").loc["fox"]
    assert f"fox precision 90% {threshold['threshold']:.3f}" in text
    visits = results["sequence_average_precision"].set_index(["split", "label"])
    assert f"{visits.loc[('test', 'fox'), 'average_precision']:.3f}" in text


def test_report_marks_classes_from_few_locations_and_names_them() -> None:
    predictions = make_predictions()
    few = (predictions["label"] != "fox") | ~predictions["crop_id"].str.contains("place-2")
    text = Page(make_report(predictions[few].reset_index(drop=True))).text
    assert "Not to be relied on, for want of test locations: fox" in text
    assert "fox few locations" in text
    assert text.count("few locations") == 1


def test_report_lists_labels_to_look_at_and_counts_them(results: dict[str, Any]) -> None:
    errors = results["label_errors"]
    assert len(errors)
    text = Page(write_report(results)).text
    assert f"{len(errors)} label" in text
    assert errors["image_id"].iloc[0] in text
    without_any = Page(write_report(results | {"label_errors": errors.iloc[:0]})).text
    assert "Labels to look at" not in without_any


def test_report_compares_with_an_earlier_version_and_names_it() -> None:
    predictions = make_predictions(skill=3.0)
    table = make_predictions(skill=0.1, seed=1)
    source = "2026-01-01T00.00.00.000Z/predictions.parquet"
    text = Page(make_report(predictions, earlier_predictions=EarlierPredictions(table, source))).text
    assert "Better than the version 2026-01-01T00.00.00.000Z" in text
    assert "Against what was there" in text


def test_report_tells_of_the_classifier_whose_predictions_it_is_of(results: dict[str, Any]) -> None:
    checksum = data_checksum(results["predictions"])
    provenance = {"training_data": {"checksum": checksum}, "parameters": {"epochs": 25}}
    card = {"backbone": "efficientnet-b3", "provenance": provenance}
    text = Page(write_report(results | {"classifier_card": card})).text
    assert checksum in text
    assert "network efficientnet-b3" in text
    assert "epochs 25" in text
    other = card | {"provenance": {"training_data": {"checksum": "0" * 16}}}
    text = Page(write_report(results | {"classifier_card": other})).text
    assert "efficientnet-b3" not in text
    assert "--load-versions" in text
    assert "Nothing is known of the classifier" in Page(write_report(results)).text


def test_report_tells_its_own_parameters(results: dict[str, Any]) -> None:
    targets = ThresholdParams(classes={"fox": ThresholdTarget(recall=0.97)})
    params = results["params:reporting"].model_copy(update={"seed": 123, "thresholds": targets})
    text = Page(write_report(results | {"params:reporting": params})).text
    for told in ("seed 123", "groups.night_saturation 0.1", "thresholds.classes.fox.recall 0.97"):
        assert told in text
    assert f"bootstrap_rounds {params.bootstrap_rounds}" in text


def test_report_is_one_page_that_loads_nothing(results: dict[str, Any]) -> None:
    html = write_report(results)
    page = Page(html)
    assert page.elements <= ELEMENTS
    assert not {"script", "link", "iframe", "object", "form"} & page.elements
    assert all(value.startswith(("data:image/jpeg;base64,", "#")) for value in page.values("src", "href"))
    assert "http://" not in html
    assert "https://" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert any(value.startswith("default-src 'none'") for value in page.values("content"))


def test_report_with_hostile_text_everywhere_shows_it_and_does_nothing_else() -> None:
    predictions = make_predictions(HOSTILE_LABELS, crops=500)
    hostile_ids = [f'<img src=x onerror="alert({n})">\'{n}' for n in range(len(predictions))]
    predictions = predictions.assign(crop_id=hostile_ids)
    crops = make_crops(make_predictions(HOSTILE_LABELS, crops=500)).assign(
        crop_id=hostile_ids, location="</span><script>alert(3)</script>"
    )
    html = make_report(predictions, crops=crops, params={"title": "</title><script>alert(4)</script>"})
    page = Page(html)
    assert page.elements <= ELEMENTS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert "<script" not in html
    assert "</title><script>alert(4)</script>" in page.text
    for label in HOSTILE_LABELS:
        assert label in page.text
        assert label in page.values("title")


def test_report_on_a_missing_class_says_that_it_is_not_measurable() -> None:
    html = make_report(without(make_predictions(), "test", "fox"))
    text = Page(html).text
    assert "1 class is not measurable, for want of a crop in the test split: fox ." in text
    assert "fox not measurable 0 0" in text
    assert "the plain mean over 2 classes" in text
    assert "nan" not in text.lower().split()


def test_report_counts_images_crops_and_locations_of_every_split(results: dict[str, Any]) -> None:
    text = Page(write_report(results)).text
    assert "images crops locations Test 36 36 3 Validation 36 36 3 Training 36 36 3 All 54 108 9" in text
    assert "No location is in two splits" in text


def test_report_on_splits_that_share_locations_warns_and_claims_nothing() -> None:
    predictions = make_predictions()
    crops = make_crops(predictions).assign(location="the only one")
    text = Page(make_report(predictions, crops=crops)).text
    assert "1 location is in more than one split" in text
    assert "the only one (island)" in text
    assert "No location is in two splits" not in text
    assert "played no part in training" not in text


def test_report_shows_the_training_with_its_best_epoch(results: dict[str, Any]) -> None:
    text = Page(write_report(results | {"training_history": make_history(epochs=8, best=5)})).text
    assert "8 epochs; the classifier is the one of epoch 5" in text
    assert text.count("best: epoch 5") == 2


@pytest.mark.parametrize("epochs", [0, 1])
def test_report_without_much_of_a_history_is_written_all_the_same(results: dict[str, Any], epochs: int) -> None:
    text = Page(write_report(results | {"training_history": make_history(epochs=epochs, best=None)})).text
    assert ("There is no training history" in text) == (epochs == 0)
    assert "best: epoch" not in text


def test_report_on_a_history_with_missing_values_has_none_in_its_charts(results: dict[str, Any]) -> None:
    history = make_history().assign(loss=float("nan"), macro_average_precision=float("nan"))
    paths = Page(write_report(results | {"training_history": history})).values("d")
    assert paths
    assert not any("nan" in path for path in paths)


def test_report_embeds_the_pictures_that_there_are(tmp_path: Path) -> None:
    predictions = make_predictions()
    for crop_id in predictions["crop_id"].iloc[:54]:
        path = tmp_path / crop_id
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30)).save(path)
    page = Page(make_report(predictions, crop_images=ImageFolder(tmp_path), params={"examples_per_class": 24}))
    pictures = page.values("src")
    assert len(pictures) == 18
    assert page.text.count("no picture: the file is missing") == 18


def test_report_with_pictures_of_noise_stays_below_five_megabytes(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.jpg", quality=95)
    predictions = make_predictions()
    for crop_id in predictions["crop_id"]:
        path = tmp_path / crop_id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(tmp_path / "noise.jpg")
    html = make_report(predictions, crop_images=ImageFolder(tmp_path))
    assert len(Page(html).values("src")) > 10
    assert len(html.encode()) < 5_000_000


def test_report_without_examples_has_no_pictures() -> None:
    page = Page(make_report(params={"examples_per_class": 0}))
    assert "img" not in page.elements
    assert "Pictures from the test" not in page.text


@pytest.mark.parametrize("rows", [slice(0, 0), slice(None)])
def test_report_without_a_test_split_says_so(rows: slice) -> None:
    predictions = make_predictions()
    predictions = Predictions.validate(predictions[predictions["split"] == "train"].iloc[rows])
    text = Page(make_report(predictions)).text
    assert "there is no crop in the test split" in text


def test_report_on_shuffled_rows_is_the_same(results: dict[str, Any]) -> None:
    others = {"crops": shuffled(results["crops"])}
    assert make_report(shuffled(results["predictions"]), **others) == write_report(results)


def test_report_on_shuffled_results_is_the_same(results: dict[str, Any]) -> None:
    in_order = ("performance_by_group",)  # its rows have the order of the groups, such as sizes
    tables = {
        name: value for name, value in results.items() if isinstance(value, pd.DataFrame) and name not in in_order
    }
    assert len(tables) > 10
    before = {name: table.copy() for name, table in tables.items()}
    mixed = {name: shuffled(table) for name, table in tables.items()}
    assert write_report(results | mixed) == write_report(results)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, before[name])


def test_report_on_predictions_without_crops_says_what_to_run(results: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="dataset_split, modeling and reporting"):
        write_report(results | {"crops": results["crops"].iloc[1:]})
