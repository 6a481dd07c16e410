"""The report as a browser shows it: hostile text does nothing, and nothing overflows."""

from pathlib import Path

import pytest
from PIL import Image

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.formats.earlier_predictions import EarlierPredictions
from browsers import browser, needs_chromium
from report_pages import make_report
from reporting_factories import HOSTILE_LABELS, PARAMS, make_crops, make_predictions

pytestmark = needs_chromium

WIDTHS = (390, 1280)

HOSTILE = '"><script>document.title = "ran"</script><img src=x onerror="document.title = \'ran\'">' + "x" * 200

OVERFLOWING = """
  [...document.querySelectorAll('body *')].filter(element => {
    const right = element.getBoundingClientRect().right
    return !element.closest('.scroll, svg') && right > document.documentElement.clientWidth + 0.5
  }).map(element => element.outerHTML.slice(0, 200))
"""
"""What reaches beyond the page's right edge, other than within what is scrolled by itself."""


def hostile_report(folder: Path) -> str:
    predictions = make_predictions(HOSTILE_LABELS, crops=400, skill=1.0)
    ids = [f"{number} {HOSTILE}" for number in range(len(predictions))]
    places = make_crops(predictions)["location"] + HOSTILE
    crops = make_crops(predictions).assign(crop_id=ids, image_id=ids, image_path=ids, location=places)
    predictions = predictions.assign(crop_id=ids)
    return make_report(
        predictions,
        crops=crops,
        crop_images=ImageFolder(folder),
        classifier_card={"backbone": HOSTILE, "provenance": {"parameters": {HOSTILE: HOSTILE}}},
        earlier_predictions=EarlierPredictions(predictions, HOSTILE),
        params={"title": HOSTILE, "intended_use": HOSTILE, "limits": HOSTILE},
    )


def island_report(folder: Path) -> str:
    predictions = make_predictions(skill=1.0)
    for crop_id in predictions["crop_id"]:
        path = folder / crop_id
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), (90, 120, 60)).save(path)
    return make_report(predictions, crop_images=ImageFolder(folder))


@pytest.mark.parametrize("make_page", [hostile_report, island_report])
def test_report_in_a_browser_runs_nothing_complains_of_nothing_and_fits(make_page: object, tmp_path: Path) -> None:
    assert callable(make_page)
    page = tmp_path / "report.html"
    page.write_text(make_page(tmp_path / "crops"), encoding="utf-8")
    with browser(tmp_path / "profile") as tab:
        for width in WIDTHS:
            tab.open(page, width)
            title = tab.value_of("document.title")
            assert title == (HOSTILE if make_page is hostile_report else PARAMS.title)
            assert tab.value_of("document.scripts.length") == 0
            assert tab.value_of("document.documentElement.clientWidth") == width
            assert tab.value_of("document.documentElement.scrollWidth") <= width
            assert tab.value_of(OVERFLOWING) == []
            pictures = tab.value_of("[...document.images].map(image => image.naturalWidth)")
            assert all(pictures)
        assert len(tab.print()) > 10_000
    assert tab.complaints == []


def test_browser_tells_of_a_script_that_runs(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><script>console.log('ran')</script><script>missing()</script>", encoding="utf-8")
    with browser(tmp_path / "profile") as tab:
        tab.open(page, 390)
        assert tab.value_of("document.scripts.length") == 2
    assert len(tab.complaints) == 2
