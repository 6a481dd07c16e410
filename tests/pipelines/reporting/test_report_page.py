"""The report as a page: what stands on it, that it needs nothing else, and that nothing from outside acts on it."""

from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.errors import InputError
from animl_kedro.pipelines.reporting import nodes
from animl_kedro.pipelines.reporting.parameters import ReportingParams
from animl_kedro.tables import Predictions
from reporting_factories import HOSTILE_LABELS, PARAMS, make_crops, make_history, make_predictions, shuffled, without

VOID = {"meta", "img", "br", "hr", "link", "input", "path", "use"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "section", "footer", "div", "span", "p", "h1", "h2"),
    *("h3", "h4", "b", "bdi", "small", "dl", "dt", "dd", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"),
    *("figure", "figcaption", "img", "svg", "defs", "g", "path", "use", "text"),
}
ATTRIBUTES = {
    *("lang", "charset", "name", "content", "http-equiv", "class", "style", "title", "id", "src", "alt", "href"),
    *("colspan", "scope", "role", "aria-label", "aria-hidden", "viewbox", "d", "x", "y", "transform"),
}


class Page(HTMLParser):
    """The page's elements, attributes and text; elements that are not closed in order are an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.pieces: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())

    def values(self, *names: str) -> list[str]:
        return [value for name, value in self.attributes if name in names]


def make_report(
    folder: Path,
    predictions: pd.DataFrame | None = None,
    crops: pd.DataFrame | None = None,
    history: pd.DataFrame | None = None,
    **params: object,
) -> str:
    predictions = make_predictions() if predictions is None else predictions
    crops = make_crops(predictions) if crops is None else crops
    average_precision, _ = nodes.measure_average_precision(predictions, crops, PARAMS)
    return nodes.write_report(
        average_precision,
        nodes.trace_precision_recall(predictions),
        nodes.count_confusions(predictions),
        make_history() if history is None else history,
        predictions,
        crops,
        ImageFolder(folder),
        ReportingParams.model_validate(params),
    )


def test_report_begins_with_the_macro_average_precision_of_the_test(tmp_path: Path) -> None:
    predictions = make_predictions(skill=0.5)
    average_precision, by_split = nodes.measure_average_precision(predictions, make_crops(predictions), PARAMS)
    text = Page(make_report(tmp_path, predictions, title="Santa Cruz")).text
    macro = f"{by_split['test']['means']['macro']['average_precision']:.3f}"
    assert text.index("Santa Cruz") < text.index(macro) < text.index("macro average precision on the test locations")
    assert "Measured on 36 crops from 3 locations that played no part in training" in text
    for value in average_precision["average_precision"]:
        assert f"{value:.3f}" in text


def test_report_is_one_page_that_loads_nothing(tmp_path: Path) -> None:
    html = make_report(tmp_path)
    page = Page(html)
    assert page.elements <= ELEMENTS
    assert not {"script", "link", "iframe", "object", "form"} & page.elements
    assert all(value.startswith(("data:image/jpeg;base64,", "#")) for value in page.values("src", "href"))
    assert "http://" not in html
    assert "https://" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert any(value.startswith("default-src 'none'") for value in page.values("content"))


def test_report_with_hostile_text_everywhere_shows_it_and_does_nothing_else(tmp_path: Path) -> None:
    predictions = make_predictions(HOSTILE_LABELS, crops=500)
    hostile_ids = [f'<img src=x onerror="alert({n})">\'{n}' for n in range(len(predictions))]
    predictions = predictions.assign(crop_id=hostile_ids)
    crops = make_crops(make_predictions(HOSTILE_LABELS, crops=500)).assign(
        crop_id=hostile_ids, location="</span><script>alert(3)</script>"
    )
    html = make_report(tmp_path, predictions, crops, title="</title><script>alert(4)</script>")
    page = Page(html)
    assert page.elements <= ELEMENTS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert "<script" not in html
    assert "</title><script>alert(4)</script>" in page.text
    for label in HOSTILE_LABELS:
        assert label in page.text
        assert label in page.values("title")


def test_report_on_a_missing_class_says_that_it_is_not_measurable(tmp_path: Path) -> None:
    html = make_report(tmp_path, without(make_predictions(), "test", "fox"))
    text = Page(html).text
    assert "Not measurable, for want of a crop in the test split: fox ." in text
    assert "fox not measurable 0 0" in text
    assert "the plain mean over 2 classes" in text
    assert "nan" not in text.lower().split()


def test_report_counts_images_crops_and_locations_of_every_split(tmp_path: Path) -> None:
    text = Page(make_report(tmp_path)).text
    assert "images crops locations Test 36 36 3 Validation 36 36 3 Training 36 36 3 All 54 108 9" in text
    assert "No location is in two splits" in text


def test_report_on_splits_that_share_locations_warns_and_claims_nothing(tmp_path: Path) -> None:
    predictions = make_predictions()
    crops = make_crops(predictions).assign(location="the only one")
    text = Page(make_report(tmp_path, predictions, crops)).text
    assert "1 location is in more than one split" in text
    assert "the only one (island)" in text
    assert "No location is in two splits" not in text
    assert "played no part in training" not in text


def test_report_shows_the_training_with_its_best_epoch(tmp_path: Path) -> None:
    text = Page(make_report(tmp_path, history=make_history(epochs=8, best=5))).text
    assert "8 epochs; the classifier is the one of epoch 5" in text
    assert text.count("best: epoch 5") == 2


@pytest.mark.parametrize("epochs", [0, 1])
def test_report_without_much_of_a_history_is_written_all_the_same(tmp_path: Path, epochs: int) -> None:
    text = Page(make_report(tmp_path, history=make_history(epochs=epochs, best=None))).text
    assert ("There is no training history" in text) == (epochs == 0)
    assert "best: epoch" not in text


def test_report_on_a_history_with_missing_values_has_none_in_its_charts(tmp_path: Path) -> None:
    history = make_history().assign(loss=float("nan"), macro_average_precision=float("nan"))
    paths = Page(make_report(tmp_path, history=history)).values("d")
    assert paths
    assert not any("nan" in path for path in paths)


def test_report_embeds_the_pictures_that_there_are(tmp_path: Path) -> None:
    predictions = make_predictions()
    for crop_id in predictions["crop_id"].iloc[:54]:
        path = tmp_path / crop_id
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30)).save(path)
    page = Page(make_report(tmp_path, predictions, examples_per_class=24))
    pictures = page.values("src")
    assert len(pictures) == 18
    assert page.text.count("no picture: the file is missing") == 18


def test_report_without_examples_has_no_pictures(tmp_path: Path) -> None:
    page = Page(make_report(tmp_path, examples_per_class=0))
    assert "img" not in page.elements
    assert "Pictures from the test" not in page.text


@pytest.mark.parametrize("rows", [slice(0, 0), slice(None)])
def test_report_without_a_test_split_says_so(tmp_path: Path, rows: slice) -> None:
    predictions = make_predictions()
    predictions = Predictions.validate(predictions[predictions["split"] == "train"].iloc[rows])
    text = Page(make_report(tmp_path, predictions)).text
    assert "there is no crop in the test split" in text


def test_report_on_shuffled_rows_is_the_same(tmp_path: Path) -> None:
    predictions = make_predictions(skill=0.5)
    crops = make_crops(predictions)
    assert make_report(tmp_path, predictions, crops) == make_report(tmp_path, shuffled(predictions), shuffled(crops))


def test_report_on_shuffled_results_is_the_same(tmp_path: Path) -> None:
    predictions = make_predictions(skill=0.5)
    crops, history = make_crops(predictions), make_history()
    average_precision, _ = nodes.measure_average_precision(predictions, crops, PARAMS)
    curves, confusions = nodes.trace_precision_recall(predictions), nodes.count_confusions(predictions)
    results = average_precision, curves, confusions, history
    before = [table.copy() for table in results]

    def report(results: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> str:
        return nodes.write_report(*results, predictions, crops, ImageFolder(tmp_path), ReportingParams())

    first = report(results)
    assert report((shuffled(average_precision), shuffled(curves), shuffled(confusions), shuffled(history))) == first
    for table, copy in zip(results, before, strict=True):
        pd.testing.assert_frame_equal(table, copy)


def test_report_on_predictions_without_crops_says_what_to_run(tmp_path: Path) -> None:
    predictions = make_predictions()
    crops = make_crops(predictions)
    average_precision, _ = nodes.measure_average_precision(predictions, crops, PARAMS)
    tables = nodes.trace_precision_recall(predictions), nodes.count_confusions(predictions), make_history()
    with pytest.raises(InputError, match="dataset_split, modeling and reporting"):
        nodes.write_report(
            average_precision, *tables, predictions, crops.iloc[1:], ImageFolder(tmp_path), ReportingParams()
        )
