"""The names of published MegaDetectors, and the versions that results of others tell."""

import re
from pathlib import Path
from typing import Any

import pytest

from animl_kedro.errors import InputError
from animl_kedro.files import MAX_NAME_BYTES, fault_of_relative_path
from animl_kedro.pipelines.detection_cropping.crop_files import crop_id_of
from animl_kedro.pipelines.detection_cropping.detector_models import (
    MODELS,
    find_model,
    known_model,
    safe_name,
    version_of_results,
)
from animl_kedro.pipelines.detection_cropping.detector_weights import detector_version
from animl_kedro.pipelines.detection_cropping.parameters import DetectorParams


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("v5a", "5.0a"),
        ("v5b", "5.0b"),
        ("V5B", "5.0b"),
        ("MDV5A", "5.0a"),
        ("mdv5b", "5.0b"),
        ("5.0a", "5.0a"),
        ("v5.0b", "5.0b"),
        ("v5a.0.0", "5.0a"),
        ("v5b.0.1", "5.0b"),
        ("md_v5a.0.0", "5.0a"),
        ("md_v5b.0.1.pt", "5.0b"),
        ("MegaDetector v5a", "5.0a"),
        (" v5a ", "5.0a"),
        ("v1000-redwood", "1000.0.0-redwood"),
        ("mdv1000-cedar", "1000.0.0-cedar"),
        ("md1000-larch", "1000.0.0-larch"),
        ("1000.0.0-sorrel", "1000.0.0-sorrel"),
        ("v1000.0.0-spruce", "1000.0.0-spruce"),
        ("md_v1000.0.0-redwood.pt", "1000.0.0-redwood"),
        ("Redwood", "1000.0.0-redwood"),
    ],
)
def test_model_is_found_by_any_of_its_names(name: str, version: str) -> None:
    assert known_model(name).version == version


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_is_found_by_its_name_its_version_and_its_files(model: Any) -> None:
    names = [model.name, model.version, *(release.file_name for release in model.releases)]
    assert [find_model(name) for name in names] == [model] * len(names)
    assert fault_of_relative_path(model.version) is None
    assert all(re.fullmatch("[0-9a-f]{32}", release.md5) for release in model.releases)
    assert all(release.url.startswith("https://") for release in model.releases)


@pytest.mark.parametrize(
    "name", ["", "v5", "mdv5", "v5c", "v6a", "v1000", "v1000-oak", "v4.1", "yolo", "v5a-mine", "a/v5a"]
)
def test_name_of_no_model_is_refused_with_the_choices(name: str) -> None:
    assert find_model(name) is None
    with pytest.raises(InputError, match=re.escape(f"There is no detector {name!r}")) as caught:
        known_model(name)
    assert all(model.name in str(caught.value) for model in MODELS)
    assert "`weights:`" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"), [("v5c", "v5"), ("v1000-redwod", "v1000-redwood"), ("V1000-ceder", "v1000-cedar")]
)
def test_name_that_is_misspelt_is_told_the_right_one(name: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"did you mean '{meant}"):
        known_model(name)


@pytest.mark.parametrize(
    ("detector", "version"),
    [
        ("md_v5a.0.0.pt", "5.0a"),
        ("md_v5a.0.0_rebuild_pt-1.12_zerofill.pt", "5.0a"),
        ("c:\\models\\md_v5b.0.0.pt", "5.0b"),
        ("/models/md_v1000.0.0-redwood.pt", "1000.0.0-redwood"),
        ("MDV5A", "5.0a"),
        ("md_v4.1.0.pb", "4.1.0"),
        ("megadetector_v4.1", "4.1"),
        ("megadetector_v3.pb", "3"),
        ("md_v5a.0.0_tuned on our island.pt", "md_v5a.0.0_tuned-on-our-island"),
        ("SpeciesNet: ensemble/4.0", "4.0"),
        ("Détecteur № 5?.pt", "D-tecteur-5"),
        ("../..", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        (5, "unknown"),
    ],
)
def test_version_of_results_is_that_of_their_detector_and_fit_for_a_name(detector: Any, version: str) -> None:
    assert version_of_results({"detector": detector}) == version
    assert fault_of_relative_path(version) is None


def test_version_of_results_without_a_detectors_name_is_that_of_its_metadata() -> None:
    assert version_of_results({"detector_metadata": {"megadetector_version": "v5a.0.1"}}) == "5.0a"
    assert version_of_results({"detector_metadata": {}}) == "unknown"
    assert version_of_results({"detector_metadata": "v5a"}) == "unknown"
    assert version_of_results({}) == "unknown"


@pytest.mark.parametrize(
    ("name", "safe"),
    [("mine", "mine"), ("my net/2", "my-net-2"), ("..", "unknown"), ("a" * 99, "a" * 37), ("é", "unknown")],
)
def test_safe_name_can_be_part_of_a_files_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_names_of_crops_are_never_longer_than_file_systems_allow(tmp_path: Path) -> None:
    image = "a" * 196 + ".jpg"
    assert fault_of_relative_path(image) is None
    (weights := tmp_path / "weights.pt").write_bytes(b"weights")
    for version in (safe_name("x" * 99), detector_version(DetectorParams(model="x" * 99, weights=str(weights)))):
        assert fault_of_relative_path(crop_id_of(image, 100, version), MAX_NAME_BYTES) is None
