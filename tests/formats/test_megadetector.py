"""MegaDetector results: what is in the format passes unchanged, and a fault is named with its image."""

from typing import Any

import pytest

from animl_kedro.errors import InputError
from animl_kedro.formats.megadetector import CATEGORIES, FORMAT_VERSION, check_results


def make_results(*images: Any, **changes: Any) -> dict[str, Any]:
    info = {"format_version": FORMAT_VERSION, "detector": "md_v1000.0.0-redwood"}
    return {"info": info, "detection_categories": CATEGORIES, "images": list(images)} | changes


def detection(**changes: Any) -> dict[str, Any]:
    return {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]} | changes


def test_check_results_gives_results_back() -> None:
    results = make_results(
        {"file": "a.jpg", "detections": [detection(), detection(conf=1)]},
        {"file": "b.jpg", "detections": []},
        {"file": "c.jpg", "failure": "Failure image access"},
        {"file": "d.jpg", "failure": "Failure inference", "detections": None},
    )
    assert check_results(results) is results


@pytest.mark.parametrize(
    ("results", "fault"),
    [
        pytest.param([], "expected an object with a list of images", id="a list"),
        pytest.param(None, "expected an object with a list of images", id="nothing"),
        pytest.param({"detection_categories": CATEGORIES}, "list of images", id="no images"),
        pytest.param(make_results(images={}), "list of images", id="images that are no list"),
        pytest.param(make_results(detection_categories=None), "detection_categories are absent", id="no categories"),
        pytest.param(make_results("a.jpg"), "an image has no file: a.jpg", id="an image that is no object"),
        pytest.param(make_results({"detections": []}), "an image has no file", id="no file"),
        pytest.param(make_results({"file": 3, "detections": []}), "an image has no file", id="a file that is a number"),
        pytest.param(make_results({"file": "a.jpg"}), "a.jpg has neither detections nor a failure", id="no result"),
        pytest.param(make_results({"file": "a.jpg", "failure": ""}), "a.jpg has neither", id="an empty failure"),
    ],
)
def test_check_results_with_a_fault_names_it(results: Any, fault: str) -> None:
    with pytest.raises(InputError, match=rf"not MegaDetector results \(format 1.6\): .*{fault}"):
        check_results(results)


@pytest.mark.parametrize(
    "faulty",
    [
        "1",
        {},
        detection(bbox=None),
        detection(bbox=[0.1, 0.2, 0.3]),
        detection(bbox=[0.1, 0.2, 0.3, "0.4"]),
        detection(bbox=[0.1, 0.2, 0.3, True]),
        detection(conf=None),
        detection(conf="high"),
        detection(conf=1.5),
        detection(conf=float("nan")),
    ],
)
def test_check_results_with_a_faulty_detection_names_its_image(faulty: Any) -> None:
    results = make_results({"file": "a.jpg", "detections": [detection(), faulty]})
    with pytest.raises(InputError, match=r"a\.jpg has a detection without a box of four fractions and a confidence"):
        check_results(results)
