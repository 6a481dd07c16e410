"""What comes from outside, in a bucket: every catalog entry loads there what it loads from this machine."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from kedro.io import AbstractDataset, DatasetError

from animl_kedro.datasets.confidence_calibration import ConfidenceCalibrationDataset
from animl_kedro.datasets.earlier_predictions import EarlierPredictionsDataset
from animl_kedro.datasets.label_exports import LabelExportsDataset
from animl_kedro.datasets.label_map import LabelMapDataset, TaxonomyDataset
from animl_kedro.datasets.location_splits import LocationSplitsDataset
from animl_kedro.datasets.megadetector_results import ExistingResultsDataset, OthersResultsDataset
from animl_kedro.errors import InputError
from animl_kedro.sample.server import S3Server, serve_folder
from detector_factories import make_detection, make_results
from factories import PACKAGE, export_bytes, make_export
from mangled_exports import zipped
from projects import Project
from reporting_factories import make_predictions
from s3_servers import in_environment

BUCKET = "from-outside"
PREFIX = f"s3://{BUCKET}"

EXPORT = export_bytes(make_export(3))
RESULTS = json.dumps(make_results({"1.jpg": {"detections": [make_detection()]}})).encode()
SPLITS = json.dumps({"train": [["a", "x"]], "test": [["a", "7"]]}).encode()
CROPS = b"path,dataset,location,label\na/1.jpg,a,7,fox\na/2.jpg,a,x,fox\n"

FILES = {
    "export.json": EXPORT,
    "export.json.gz": gzip.compress(EXPORT),
    "export.zip": zipped({"a.json": EXPORT}),
    "package.zip": zipped(PACKAGE),
    "cut_off.json": EXPORT[:-300],
    "label_map.yml": b"fox: [fox, kit fox]",
    "taxonomy.csv": b"dataset,label,family\nislands,fox,Canidae\n",
    "detections.json.gz": gzip.compress(RESULTS),
    "detections.zip": zipped({"a.json": RESULTS}),
    "splits.json": SPLITS,
    "locations.csv": b"dataset,location\na,7\n",
    "classification_ds.csv": CROPS,
    **{f"package/{name}": data for name, data in PACKAGE.items()},
}
EXPORTS = ["export.json", "export.json.gz", "export.zip", "package.zip"]

Maker = Callable[[str], AbstractDataset[Any, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files on this machine, and below `junk/` files of the same names that are something else."""
    folder = tmp_path_factory.mktemp("here")
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    np.savez(folder / "calibration.npz", x=[0.5, 1.0], y=[0.1, 0.9])
    make_predictions().to_parquet(folder / "predictions.parquet")
    (folder / "junk").mkdir()
    for name in ENTRIES:
        (folder / "junk" / name).write_bytes(b"\x80 something else")
    (folder / "junk" / "splits.json").write_bytes(SPLITS)
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[S3Server]:
    with serve_folder(folder, BUCKET) as server:
        yield server


@pytest.fixture
def server(served: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The same files in a bucket, which is found as a person's is: by the environment."""
    in_environment(served, monkeypatch)
    return served


def exports(prefix: str, name: str = "export.json") -> LabelExportsDataset:
    return LabelExportsDataset(datasets={"island": {"filepath": f"{prefix}/{name}"}})


def splits(prefix: str) -> LocationSplitsDataset:
    return LocationSplitsDataset(filepath=f"{prefix}/splits.json", csv=f"{prefix}/classification_ds.csv")


ENTRIES: dict[str, Maker] = {
    **{name: lambda prefix, name=name: exports(prefix, name) for name in EXPORTS},  # type: ignore[misc]
    "label_map.yml": lambda prefix: LabelMapDataset(filepath=f"{prefix}/label_map.yml"),
    "taxonomy.csv": lambda prefix: TaxonomyDataset(filepath=f"{prefix}/taxonomy.csv"),
    "detections.json.gz": lambda prefix: OthersResultsDataset(filepath=f"{prefix}/detections.json.gz"),
    "detections.zip": lambda prefix: ExistingResultsDataset(datasets={"a": f"{prefix}/detections.zip"}),
    "calibration.npz": lambda prefix: ConfidenceCalibrationDataset(filepath=f"{prefix}/calibration.npz"),
    "classification_ds.csv": splits,
    "locations.csv": lambda prefix: LocationSplitsDataset(filepath=f"{prefix}/locations.csv"),
    "predictions.parquet": lambda prefix: EarlierPredictionsDataset(filepath=f"{prefix}/predictions.parquet"),
}
"""An entry of each kind, by a file that it reads below a prefix."""


def told(loaded: Any, prefix: str) -> str:
    """What was loaded in words, from wherever it was."""
    return repr(loaded).replace(f"{prefix}/", "")


@pytest.mark.parametrize("name", ENTRIES)
def test_entry_in_a_bucket_loads_what_it_loads_here(server: S3Server, folder: Path, name: str) -> None:
    here, there = ENTRIES[name](str(folder)), ENTRIES[name](PREFIX)
    assert there.exists()
    assert f"{PREFIX}/{name}" in str(there._describe())
    assert told(there.load(), PREFIX) == told(here.load(), str(folder))


@pytest.mark.parametrize("name", ENTRIES)
def test_entry_without_its_file_in_the_bucket_names_the_url(server: S3Server, name: str) -> None:
    dataset = ENTRIES[name](f"{PREFIX}/none")
    assert not dataset.exists()
    assert f"{PREFIX}/none/{name}" in str(dataset._describe())
    message = refusal_of(dataset)
    assert f"{PREFIX}/none/" in message
    assert "animl-kedro-" not in message  # of the copy's name


@pytest.mark.parametrize("name", ENTRIES)
def test_entry_whose_file_is_something_else_names_the_url(server: S3Server, name: str) -> None:
    message = refusal_of(ENTRIES[name](f"{PREFIX}/junk"))
    # results tell where predictions are from, without the place
    assert (name if name == "predictions.parquet" else f"{PREFIX}/junk/{name}") in message
    assert "animl-kedro-" not in message


@pytest.mark.parametrize("name", ENTRIES)
def test_entry_in_a_bucket_that_is_absent_says_so_when_asked_whether_it_is_there(server: S3Server, name: str) -> None:
    dataset = ENTRIES[name]("s3://other")
    with pytest.raises(DatasetError, match=r"s3://other/.* cannot be had: FileNotFoundError: .*bucket does not exist"):
        dataset.exists()
    assert "cannot be had" in refusal_of(dataset)


@pytest.mark.parametrize("name", EXPORTS)
def test_checksum_of_an_export_is_the_same_in_a_bucket(server: S3Server, folder: Path, name: str) -> None:
    expected = {"island": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
    assert exports(PREFIX, name).checksums() == exports(str(folder), name).checksums() == expected


@pytest.mark.parametrize("place", ["here", "there"])
def test_checksum_after_loading_is_of_what_was_loaded(server: S3Server, tmp_path: Path, place: str) -> None:
    client = boto3.Session().client("s3")
    dataset = exports(str(tmp_path) if place == "here" else f"{PREFIX}/changing")
    for content in (EXPORT, b"{}"):
        (tmp_path / "export.json").write_bytes(content)
        client.put_object(Bucket=BUCKET, Key="changing/export.json", Body=content)
        if content == EXPORT:
            dataset.load()
    assert dataset.checksums() == {"island": hashlib.sha256(EXPORT).hexdigest()}


def test_export_that_is_cut_off_in_a_bucket_is_told_by_its_url(server: S3Server) -> None:
    export = exports(PREFIX, "cut_off.json").load()["island"]
    assert (export.records.cut_off or "").startswith(f"{PREFIX}/cut_off.json is cut off after")


@pytest.mark.parametrize("name", ["package/datapackage.json", "package"])
def test_package_that_is_a_folder_in_a_bucket_is_refused_with_what_to_do(server: S3Server, name: str) -> None:
    message = refusal_of(exports(PREFIX, name))
    assert message.startswith(f"{PREFIX}/{name} is ")
    assert ".zip" in message


def test_preview_of_a_label_map_in_a_bucket_is_the_one_from_here(server: S3Server, folder: Path) -> None:
    there = LabelMapDataset(filepath=f"{PREFIX}/label_map.yml").preview()
    assert there == LabelMapDataset(filepath=str(folder / "label_map.yml")).preview()
    assert LabelMapDataset(filepath=f"{PREFIX}/none.yml").preview() is None


def test_run_on_an_export_in_a_bucket_reads_it_and_tells_its_checksum(server: S3Server, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    source = {"island": {"filepath": f"{PREFIX}/export.zip"}}
    kind = "animl_kedro.datasets.label_exports.LabelExportsDataset"
    project.configure("catalog", {"animl_export": {"type": kind, "datasets": source}})
    project.configure("parameters", {"ingestion": {"selection": {"labels": None}}})
    project.run("ingestion", nodes=["ingestion.read_export"])
    assert len(project.catalog.load("images")) == 3
    told_export = project.catalog.load("run_manifest")["exports"]["island"]
    assert told_export["sha256"] == hashlib.sha256(FILES["export.zip"]).hexdigest()


def refusal_of(dataset: AbstractDataset[Any, Any]) -> str:
    """The message of the error that Kedro wraps."""
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, InputError)
    return str(caught.value.__cause__)
