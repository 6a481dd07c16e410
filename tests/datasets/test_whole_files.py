"""Kedro's own datasets, with the promise added that a file is there whole or not at all."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError, Version
from kedro.validation.exceptions import DataValidationError
from matplotlib.figure import Figure

from animl_kedro.datasets.figures import MatplotlibDataset
from animl_kedro.datasets.whole_files import CSVDataset, JSONDataset, ParquetDataset, TextDataset
from animl_kedro.tables import RejectedBoxes
from factories import make_images

TABLE = pd.DataFrame({"text": ["a", "NA", "ñ, \r\n"], "number": [1.5, 2.0, -3.25]})


class Unwritable:
    """Something of which half can be written before it breaks."""

    def __str__(self) -> str:
        raise RuntimeError("broken in the middle")


def figure() -> Figure:
    drawing = Figure((1, 1), dpi=20)
    drawing.add_subplot().plot([1, 2])
    return drawing


@dataclass(frozen=True)
class Case:
    """A dataset, what it saves, and what it fails to save after it has begun."""

    kind: type[Any]
    data: Any
    other: Any
    faulty: Any
    options: dict[str, Any]

    def at(self, path: Path | str, version: Version | None = None) -> Any:
        return self.kind(filepath=str(path), version=version, **self.options)


CSV_OPTIONS = {"load_args": {"keep_default_na": False}}
CASES = [
    Case(ParquetDataset, TABLE, TABLE[:1], pd.DataFrame({"mixed": [1, "a"]}), {}),
    Case(CSVDataset, TABLE, TABLE[:1], pd.DataFrame({"text": ["x" * 100_000, Unwritable()]}), CSV_OPTIONS),
    Case(JSONDataset, {"b": [1, None], "a": "ñ"}, {}, {"a": 1, "b": Unwritable()}, {}),
    Case(TextDataset, "<p>ñ\n🦊</p>\n", "other", 5, {}),
    Case(MatplotlibDataset, figure(), figure(), "no figure", {}),
]


@pytest.fixture(params=CASES, ids=lambda case: case.kind.__name__)
def case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    return chosen


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def check_same(case: Case, dataset: Any, data: Any) -> None:
    """Check that a dataset holds this; a figure cannot be loaded, its file is a PNG."""
    if isinstance(data, Figure):
        assert Path(dataset._get_load_path()).read_bytes().startswith(b"\x89PNG")
    elif isinstance(data, pd.DataFrame):
        pd.testing.assert_frame_equal(dataset.load(), data)
    else:
        assert dataset.load() == data


def test_dataset_that_was_saved_loads_the_same(case: Case, tmp_path: Path) -> None:
    dataset = case.at(tmp_path / "deep" / "er" / "file")
    assert not dataset.exists()
    dataset.save(case.data)
    assert dataset.exists()
    check_same(case, dataset, case.data)
    dataset.save(case.other)
    check_same(case, dataset, case.other)
    assert files_in(tmp_path) == ["deep/er/file"]


def test_dataset_without_a_file_cannot_be_loaded(case: Case, tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        case.at(tmp_path / "none").load()


def test_dataset_that_fails_to_save_leaves_no_file(case: Case, tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        case.at(tmp_path / "file").save(case.faulty)
    assert files_in(tmp_path) == []
    assert not case.at(tmp_path / "file").exists()


def test_dataset_that_fails_to_save_keeps_the_old_file(case: Case, tmp_path: Path) -> None:
    dataset = case.at(tmp_path / "file")
    dataset.save(case.data)
    with pytest.raises(DatasetError):
        dataset.save(case.faulty)
    check_same(case, dataset, case.data)
    assert files_in(tmp_path) == ["file"]


def test_dataset_with_versions_keeps_them_and_loads_the_latest(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for version, data in (("2026-01-01T00.00.00.000Z", case.data), ("2026-01-02T00.00.00.000Z", case.other)):
        dataset = case.at(path, Version(None, version))
        assert dataset.exists() == (version != "2026-01-01T00.00.00.000Z")
        dataset.save(data)
    check_same(case, case.at(path, Version(None, None)), case.other)
    check_same(case, case.at(path, Version("2026-01-01T00.00.00.000Z", None)), case.data)
    assert files_in(tmp_path) == [f"file/2026-01-0{day}T00.00.00.000Z/file" for day in (1, 2)]


def test_dataset_with_versions_that_fails_to_save_still_loads_the_last(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "file"
    case.at(path, Version(None, "2026-01-01T00.00.00.000Z")).save(case.data)
    with pytest.raises(DatasetError):
        case.at(path, Version(None, "2026-01-02T00.00.00.000Z")).save(case.faulty)
    check_same(case, case.at(path, Version(None, None)), case.data)


def test_dataset_with_a_version_that_is_there_refuses_to_overwrite_it(case: Case, tmp_path: Path) -> None:
    version = Version(None, "2026-01-01T00.00.00.000Z")
    case.at(tmp_path / "file", version).save(case.data)
    with pytest.raises(DatasetError, match="must not exist"):
        case.at(tmp_path / "file", version).save(case.other)
    check_same(case, case.at(tmp_path / "file", Version(None, None)), case.data)


def test_dataset_sent_to_another_process_still_writes_whole_files(case: Case, tmp_path: Path) -> None:
    dataset = pickle.loads(pickle.dumps(case.at(tmp_path / "file")))
    with pytest.raises(DatasetError):
        dataset.save(case.faulty)
    assert files_in(tmp_path) == []
    dataset.save(case.data)
    dataset.release()
    check_same(case, dataset, case.data)


def test_dataset_of_the_protocol_file_writes_whole_files(case: Case, tmp_path: Path) -> None:
    dataset = case.at(f"file://{tmp_path}/file")
    with pytest.raises(DatasetError):
        dataset.save(case.faulty)
    assert files_in(tmp_path) == []


def test_dataset_elsewhere_keeps_its_own_file_system(case: Case, tmp_path: Path) -> None:
    dataset = case.at("memory://whole_files/file")
    dataset.save(case.data)
    assert dataset.exists()
    assert dataset._fs.protocol == "memory"
    assert files_in(tmp_path) == []


@pytest.fixture
def catalog(tmp_path: Path) -> DataCatalog:
    """Entries as they stand in the project's configuration."""
    return DataCatalog.from_config(
        {
            "images": {
                "type": "animl_kedro.datasets.whole_files.ParquetDataset",
                "filepath": str(tmp_path / "images.parquet"),
                "validator": "animl_kedro.tables.Images",
                "metadata": {"description": "One row an image"},
            },
            "rejected_boxes": {
                "type": "animl_kedro.datasets.whole_files.CSVDataset",
                "filepath": str(tmp_path / "rejected_boxes.csv"),
                "versioned": True,
                "save_args": {"index": False},
                "load_args": {"keep_default_na": False, "na_values": {"label": [""]}, "dtype": "str"},
                "validator": "animl_kedro.tables.RejectedBoxes",
            },
        }
    )


def test_catalog_saves_and_loads_a_table_that_keeps_its_schema(catalog: DataCatalog) -> None:
    images = make_images(3)
    catalog.save("images", images)
    pd.testing.assert_frame_equal(catalog.load("images"), images)


def test_catalog_refuses_to_save_a_table_that_breaks_its_schema(catalog: DataCatalog, tmp_path: Path) -> None:
    images = make_images(3)
    for faulty in (
        images.assign(more=1),
        images.drop(columns="key"),
        images.assign(image_id="twice the same"),
        images.assign(width=-1),
        images.assign(file_name=None),
    ):
        with pytest.raises(DataValidationError):
            catalog.save("images", faulty)
    assert files_in(tmp_path) == []


def test_catalog_refuses_to_load_a_table_that_somebody_broke(catalog: DataCatalog, tmp_path: Path) -> None:
    make_images(3).drop(columns="location").to_parquet(tmp_path / "images.parquet")
    with pytest.raises(DataValidationError, match="location"):
        catalog.load("images")


def test_catalog_with_a_version_loads_texts_as_they_were(catalog: DataCatalog) -> None:
    texts = ["NA", "007", "", "a\rb", 'say "fox"']
    rows = [{"image_id": text, "label": text or None, "reason": text, "detail": text} for text in texts]
    rejected = RejectedBoxes.of([{"annotation_id": "1", **row} for row in rows])
    catalog.save("rejected_boxes", rejected)
    pd.testing.assert_frame_equal(catalog.load("rejected_boxes"), rejected)
