"""MegaDetector's own code, loading and running a tiny network of its kind: see real_detector.py."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".venv-detector"
SCRIPT = ROOT / "tests" / "real_detector.py"

pytestmark = pytest.mark.skipif(
    not (FOLDER / ".installed").is_file() and importlib.util.find_spec("megadetector") is None,
    reason="MegaDetector is not installed for the tests: make detector",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("detector")
    paths = [str(FOLDER)] if (FOLDER / ".installed").is_file() else []
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")]),
        "YOLO_CONFIG_DIR": str(folder),  # lest ultralytics writes into the home
    }
    for step in ("make", "run"):
        command = [sys.executable, str(SCRIPT), step, str(folder)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


def entries_of(report: dict[str, Any]) -> dict[str, Any]:
    return {entry["file"].removeprefix("island/"): entry for entry in report["found"]["images"]}


def test_detector_finds_what_the_packages_own_program_finds(report: dict[str, Any]) -> None:
    entries = entries_of(report)
    assert list(report["theirs"]) == ["upright.png", "turned.png", "sideways.png", "other.png"]
    for name, theirs in report["theirs"].items():
        kept = [{key: detection[key] for key in ("category", "conf", "bbox")} for detection in theirs]
        assert entries[name]["detections"] == kept
        assert len(kept) > 10


def test_boxes_are_in_the_frame_of_the_upright_image(report: dict[str, Any]) -> None:
    entries = entries_of(report)
    upright, turned, sideways, other = (
        entries[f"{name}.png"]["detections"] for name in ("upright", "turned", "sideways", "other")
    )
    assert turned == upright
    assert sideways != upright
    assert other != upright  # the network does look at the pixels


def test_detections_are_in_the_format(report: dict[str, Any]) -> None:
    detections = [each for entry in report["found"]["images"] for each in entry.get("detections", [])]
    assert {detection["category"] for detection in detections} <= {"1", "2", "3"}
    assert all(0.01 <= detection["conf"] <= 1 for detection in detections)
    for left, top, width, height in (detection["bbox"] for detection in detections):
        assert min(left, top) >= 0
        assert min(width, height) > 0
        assert max(left + width, top + height) <= 1.000001


def test_file_that_is_no_image_is_a_failure_and_nothing_is_installed_for_it(report: dict[str, Any]) -> None:
    assert entries_of(report)["text.png"]["failure"] == "not an image in a known format"
    assert report["pillow_left_alone"]


def test_second_run_reads_the_cache(report: dict[str, Any]) -> None:
    again = report["found_again"]
    assert again["images"] == report["found"]["images"]
    assert again["info"]["image_counts"] == {"existing": 0, "cached": 5, "looked_at": 0, "failed": 1}
    assert report["cached"] == [f"cache/v{again['info']['detector']}/island.json"]
    assert again["info"]["detector"].startswith("tiny-")


def test_weights_that_are_none_are_named(report: dict[str, Any]) -> None:
    assert "damaged.pt cannot be loaded as a MegaDetector (BadZipFile" in report["damaged"]


def test_published_files_are_those_that_the_package_knows(report: dict[str, Any]) -> None:
    assert report["unlike_published"] == []
