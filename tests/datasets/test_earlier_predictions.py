"""What a classifier is compared with, read from the files of this project and of others."""

import gzip
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from kedro.io import DatasetError

from animl_kedro.datasets.earlier_predictions import EarlierPredictionsDataset
from animl_kedro.errors import InputError
from animl_kedro.formats.earlier_predictions import read_earlier_predictions
from animl_kedro.formats.spreadsheet_text import defused
from reporting_factories import HOSTILE_LABELS, make_predictions

VERSIONS = ["2026-01-01T00.00.00.000Z", "2026-02-01T00.00.00.000Z", "2026-03-01T00.00.00.000Z"]


@pytest.fixture
def versioned(tmp_path: Path) -> Path:
    """An entry of three versions, with one, two and three crops."""
    path = tmp_path / "predictions.parquet"
    for crops, version in enumerate(VERSIONS, start=1):
        (path / version).mkdir(parents=True)
        make_predictions(crops=crops).to_parquet(path / version / path.name)
    return path


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_dataset_without_a_file_is_there_and_loads_nothing() -> None:
    dataset = EarlierPredictionsDataset()
    assert dataset.exists()
    earlier = dataset.load()
    assert (earlier.source, len(earlier.table)) == ("", 0)


def test_previous_version_is_the_one_before_the_newest(versioned: Path) -> None:
    dataset = EarlierPredictionsDataset(filepath=str(versioned), earlier_version="previous")
    earlier = dataset.load()
    assert len(earlier.table) == 2
    assert earlier.source == f"{VERSIONS[1]}/predictions.parquet"


@pytest.mark.parametrize(("reported", "crops"), [(VERSIONS[1], 1), (VERSIONS[2], 2), (VERSIONS[0], 0)])
def test_previous_version_of_the_one_that_is_reported_comes_before_that(
    versioned: Path, reported: str, crops: int
) -> None:
    dataset = EarlierPredictionsDataset(filepath=str(versioned), earlier_version="previous")
    dataset.report_version(reported)
    assert len(dataset.load().table) == crops
    assert dataset.exists()


def test_previous_version_of_no_version_is_there_and_loads_nothing(tmp_path: Path) -> None:
    dataset = EarlierPredictionsDataset(filepath=str(tmp_path / "predictions.parquet"), earlier_version="previous")
    assert dataset.exists()
    assert dataset.load().source == ""


def test_version_by_its_name_is_that_version_or_is_absent(versioned: Path) -> None:
    assert len(EarlierPredictionsDataset(filepath=str(versioned), earlier_version=VERSIONS[0]).load().table) == 1
    absent = EarlierPredictionsDataset(filepath=str(versioned), earlier_version="2025-01-01T00.00.00.000Z")
    assert not absent.exists()
    assert absent._describe()["filepath"] == str(versioned / "2025-01-01T00.00.00.000Z" / "predictions.parquet")
    with pytest.raises(DatasetError, match=r"predictions.parquet.* cannot be read"):
        absent.load()


def test_previous_version_in_a_bucket_is_found_and_read(versioned: Path) -> None:
    bucket = fsspec.filesystem("memory")
    bucket.put(str(versioned), "/earlier/predictions.parquet", recursive=True)
    dataset = EarlierPredictionsDataset(filepath="memory:///earlier/predictions.parquet", earlier_version="previous")
    try:
        assert dataset.exists()
        assert len(dataset.load().table) == 2
    finally:
        bucket.rm("/earlier", recursive=True)


def test_dataset_says_where_it_is_and_refuses_to_be_written(tmp_path: Path) -> None:
    dataset = EarlierPredictionsDataset(filepath=str(tmp_path / "absent.csv"))
    assert not dataset.exists()
    assert dataset._describe() == {"filepath": str(tmp_path / "absent.csv"), "earlier_version": None}
    with pytest.raises(DatasetError, match="never written"):
        dataset.save(pd.DataFrame())  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match="belongs to a `filepath`"):
        EarlierPredictionsDataset(earlier_version="previous")


def test_read_parquet_of_this_project_has_crops_splits_labels_and_probabilities(tmp_path: Path) -> None:
    predictions = make_predictions(HOSTILE_LABELS)
    predictions.assign(logit_fox=1.0).to_parquet(tmp_path / "predictions.parquet")
    earlier = read_earlier_predictions(tmp_path / "predictions.parquet", "here")
    pd.testing.assert_frame_equal(earlier.table, predictions)
    assert earlier.source == "here"


@pytest.mark.parametrize("name", ["predictions.csv", "predictions.csv.gz"])
def test_read_csv_in_the_columns_of_this_project_keeps_every_text(tmp_path: Path, name: str) -> None:
    predictions = make_predictions((*HOSTILE_LABELS, "=1+1", "a,b\n'c'"))
    defused(predictions).to_csv(tmp_path / name, index=False)
    earlier = read_earlier_predictions(tmp_path / name, "here")
    pd.testing.assert_frame_equal(earlier.table, predictions)


def test_read_csv_without_split_and_label_has_them_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "other.csv", "crop_id,probability_fox,more\na.jpg,0.25,x\nb.jpg,1,y\n")
    table = read_earlier_predictions(path, "here").table
    assert table["crop_id"].tolist() == ["a.jpg", "b.jpg"]
    assert table["probability_fox"].tolist() == [0.25, 1]
    assert table[["split", "label"]].isna().all(axis=None)
    assert list(table) == ["crop_id", "split", "label", "probability_fox"]


def test_read_outputs_of_camera_traps_knows_the_split_by_the_name(tmp_path: Path) -> None:
    text = "path,label,weight,fox,weight,'007,a%2Cb,NA\nx/1.jpg___crop00.jpg,'007,1.5,0.1,0.2,0.3,0.15,0.25\n"
    path = tmp_path / "outputs_test.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    table = read_earlier_predictions(path, "here").table
    assert table.iloc[0].to_dict() == {
        "crop_id": "x/1.jpg___crop00.jpg",
        "split": "test",
        "label": "007",
        "probability_fox": 0.1,
        "probability_weight": 0.2,
        "probability_007": 0.3,
        "probability_a,b": 0.15,
        "probability_NA": 0.25,
    }


def test_read_outputs_of_camera_traps_under_another_name_does_not_know_the_split(tmp_path: Path) -> None:
    path = write(tmp_path / "theirs.csv", "path,label,weight,fox\na.jpg,NA,1,0.5\n")
    table = read_earlier_predictions(path, "here").table
    assert table["split"].isna().all()
    assert table["label"].tolist() == ["NA"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"cannot be read as a table .*outputs_test.csv.gz"),
        ("a,b\n1,2\n", r"it has the columns a, b"),
        ("crop_id,label\nx,fox\n", r"it has the columns crop_id, label"),
        ("crop_id,probability_fox,probability_fox\nx,1,1\n", "two columns probability_fox"),
        ("crop_id,probability_fox\nx,1\nx,1\n", r"has 'x' twice"),
        ("crop_id,split,probability_fox\nx,tset,1\n", r"the split 'tset': expected train, val, test"),
        ("crop_id,probability_fox\nx,1\ny,1.5\n", r"has (np.float64\()?1.5\)? in probability_fox for the crop 'y'"),
        ("crop_id,probability_fox\nx,\n", r"probability_fox for the crop 'x'"),
        ("crop_id,probability_fox\nx,nan\n", r"probability_fox for the crop 'x'"),
        ("path,label,weight\nx,fox,1\n", r"cannot be read as a table"),
        ("path,label,weight,fox\nx,fox,1,1,0\n", r"cannot be read as a table"),
        ("crop_id,label,probability_fox\nx,fox,1\ny,fox,1,0\n", r"cannot be read as a table"),
    ],
)
def test_read_of_a_faulty_file_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_earlier_predictions(write(tmp_path / "faulty.csv", text), "faulty.csv")


def test_read_of_a_file_of_another_kind_says_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    (tmp_path / "a.csv.gz").write_bytes(b"no gzip")
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00,\x80\n")
    compressed = gzip.compress(bytes(range(256)) * 40)
    (tmp_path / "cut_off.csv.gz").write_bytes(compressed[: len(compressed) // 2])
    (tmp_path / "damaged.csv.gz").write_bytes(compressed[:10] + b"\xff" * 40)
    for name in ("a.parquet", "a.csv.gz", "a.csv", "absent.csv", "cut_off.csv.gz", "damaged.csv.gz"):
        with pytest.raises(InputError, match=r"cannot be read.*expected a Parquet or CSV file"):
            read_earlier_predictions(tmp_path / name, name)
