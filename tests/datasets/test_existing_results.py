"""Results of others as a catalog entry: read by data set, whatever the file's kind and age, and never written."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.megadetector_results import ExistingResultsDataset
from animl_kedro.errors import InputError
from animl_kedro.formats.results_files import read_results_file
from detector_factories import make_detection, make_results

RESULTS = make_results({"deep\\1.jpg": [make_detection()], "2.jpg": {"detections": None}})
DATA = orjson.dumps(RESULTS)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def written(tmp_path: Path, data: bytes, name: str = "results.json") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        DATA,
        gzip.compress(DATA),
        zipped({"results.json": DATA}),
        zipped({"a/b/results.json": DATA, "__MACOSX/._results.json": b"", "readme.txt": b""}, zipfile.ZIP_STORED),
    ],
    ids=["json", "gzip", "zip", "zip with more"],
)
@pytest.mark.parametrize("name", ["results.json", "results.zip", "results"])
def test_file_is_read_by_its_content(tmp_path: Path, data: bytes, name: str) -> None:
    assert read_results_file(written(tmp_path, data, name)) == RESULTS


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "is not JSON"),
        (DATA[:-5], "is not JSON"),
        (b"[]", "holds no MegaDetector results"),
        (b'{"images": {}}', "holds no MegaDetector results"),
        (b'{"images": ["a.jpg"]}', "holds no MegaDetector results"),
        (b'{"images": [{"id": 1}]}', "holds no MegaDetector results"),
        (gzip.compress(DATA)[:-20], "is cut off"),
        (zipped({"results.json": DATA})[:-20], "cannot be unpacked"),
        (zipped({"a.json": DATA, "b.json": DATA}), "holds 2 JSON files, expected one"),
        (zipped({"a.csv": DATA}), "holds 0 JSON files, expected one"),
        (zipped({"a.json": DATA}, zipfile.ZIP_LZMA), "not packed by the usual method"),
        (zipped({"a.json": b"[]"}), "holds no MegaDetector results"),
        (b'{"images": [], "info": ["v5a"]}', "objects as `info` and `detection_categories`"),
        (b'{"images": [], "detection_categories": ["animal"]}', "objects as `info` and `detection_categories`"),
    ],
)
def test_file_that_is_none_says_what_is_wrong(tmp_path: Path, data: bytes, fault: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(InputError, match=fault) as caught:
        read_results_file(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("data", [gzip.compress(DATA), zipped({"a.json": DATA})], ids=["gzip", "zip"])
def test_file_that_unpacks_to_more_than_it_may_is_refused(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path, data)
    assert read_results_file(path, max_bytes=len(DATA)) == RESULTS
    with pytest.raises(InputError, match="unpacks to more than"):
        read_results_file(path, max_bytes=len(DATA) - 1)


def test_file_that_is_absent_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match="cannot be read") as caught:
            read_results_file(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("datasets", [None, {}])
def test_dataset_without_files_loads_nothing(datasets: dict[str, str] | None) -> None:
    dataset = ExistingResultsDataset(datasets=datasets)
    assert dataset.exists()
    assert dataset.load() == {}


def test_dataset_loads_results_by_data_set(tmp_path: Path) -> None:
    first, second = written(tmp_path, DATA), written(tmp_path, zipped({"a.json": DATA}), "b.zip")
    dataset = ExistingResultsDataset(datasets={"island": str(first), "lila": str(second)})
    assert dataset.load() == {"island": RESULTS, "lila": RESULTS}
    assert dataset.exists()
    assert not ExistingResultsDataset(datasets={"island": str(first), "x": str(tmp_path / "none")}).exists()


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({"a/b": "x.json"}, "cannot be the name of a data set"),
        ({"a": "x.json", "A": "y.json"}, "differ only in upper and lower case"),
        ({"a": {"filepath": "x.json"}}, "names no file for 'a'"),
        (["x.json"], "is no mapping"),
    ],
)
def test_dataset_with_wrong_settings_is_refused(datasets: Any, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        ExistingResultsDataset(datasets=datasets)


def test_dataset_in_a_catalog_loads_and_refuses_to_be_saved(tmp_path: Path) -> None:
    kind = "animl_kedro.datasets.megadetector_results.ExistingResultsDataset"
    path = written(tmp_path, DATA)
    config: dict[str, dict[str, Any]] = {
        "existing": {"type": kind, "datasets": {"island": str(path)}, "metadata": {"a": 1}}
    }
    catalog = DataCatalog.from_config(config)
    assert catalog.load("existing") == {"island": RESULTS}
    assert str(path) in str(catalog["existing"])
    with pytest.raises(DatasetError, match="read, never written"):
        catalog.save("existing", {"island": RESULTS})
    assert path.read_bytes() == DATA
