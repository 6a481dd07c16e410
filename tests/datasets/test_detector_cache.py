"""The cache of detectors' findings as a catalog entry: a file a version and data set, written whole."""

from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.detector_cache import DetectorCache, DetectorCacheDataset
from animl_kedro.errors import InputError
from animl_kedro.formats.megadetector import check_results
from detector_factories import make_detection, make_results


@pytest.fixture
def cache(tmp_path: Path) -> DetectorCache:
    return DetectorCacheDataset(path=str(tmp_path / "deep" / "cache")).load()


def test_cache_reads_what_was_written(cache: DetectorCache) -> None:
    results = make_results({"ñ/1.jpg": [make_detection()], "2.jpg": {"failure": "damaged"}})
    cache.write("5.0b", "island", results)
    assert cache.read("5.0b", "island") == results
    assert [path.relative_to(cache.root).as_posix() for path in cache.root.rglob("*.json")] == ["v5.0b/island.json"]
    assert len(list((cache.root / "v5.0b").iterdir())) == 1


def test_cache_without_a_file_reads_results_without_images(cache: DetectorCache) -> None:
    results = cache.read("5.0b", "island")
    assert check_results(results) is results
    assert (results["images"], results["info"]["detector"]) == ([], "5.0b")
    assert not cache.root.exists()


def test_cache_keeps_versions_and_data_sets_apart(cache: DetectorCache) -> None:
    places = [("5.0a", "island"), ("5.0b", "island"), ("5.0b", "island.2")]
    for number, (version, dataset) in enumerate(places):
        cache.write(version, dataset, make_results({f"{number}.jpg": []}))
    assert [cache.read(*place)["images"][0]["file"] for place in places] == ["0.jpg", "1.jpg", "2.jpg"]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"images": [{"file": "a.jpg"}], "detection_categories": {}}'])
def test_cache_that_is_damaged_is_named(cache: DetectorCache, data: bytes) -> None:
    path = cache.path_of("5.0b", "island")
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with pytest.raises(InputError, match="is damaged") as caught:
        cache.read("5.0b", "island")
    assert str(path) in str(caught.value)


def test_cache_that_fails_to_write_keeps_the_old_file(cache: DetectorCache) -> None:
    results = make_results({"1.jpg": []})
    cache.write("5.0b", "island", results)
    with pytest.raises(InputError, match="neither detections nor a failure"):
        cache.write("5.0b", "island", make_results({"1.jpg": {}}))
    assert cache.read("5.0b", "island") == results
    assert len(list((cache.root / "v5.0b").iterdir())) == 1


@pytest.mark.parametrize(("version", "dataset"), [("5.0b", "../a"), ("/../..", "a"), ("5.0b", "a\\b")])
def test_cache_refuses_names_that_lead_out_of_it(cache: DetectorCache, version: str, dataset: str) -> None:
    with pytest.raises(ValueError, match="the path"):
        cache.write(version, dataset, make_results({}))
    assert not cache.root.exists()


def test_dataset_in_a_catalog_gives_the_cache_and_refuses_to_be_saved(tmp_path: Path) -> None:
    kind = "animl_kedro.datasets.detector_cache.DetectorCacheDataset"
    config: dict[str, dict[str, Any]] = {
        "detector_cache": {"type": kind, "path": str(tmp_path), "metadata": {"layer": "intermediate"}}
    }
    catalog = DataCatalog.from_config(config)
    assert catalog.load("detector_cache").root == tmp_path
    assert catalog.exists("detector_cache")
    assert str(tmp_path) in str(catalog["detector_cache"])
    with pytest.raises(DatasetError, match="not saved as a whole"):
        catalog.save("detector_cache", "x")
