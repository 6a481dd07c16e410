"""The calibration of a detector's confidence, and its catalog entry."""

from pathlib import Path

import numpy as np
import pytest
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.confidence_calibration import ConfidenceCalibrationDataset
from animl_kedro.errors import InputError
from animl_kedro.formats.calibration import AS_IT_IS, read_calibration

X, Y = np.array([0.8, 0.9, 1.0]), np.array([0.3, 0.7, 0.95])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calibration.npz"


def test_calibration_lies_on_straight_lines_between_the_points_and_stays_at_the_ends(path: Path) -> None:
    np.savez(path, x=X, y=Y)
    probabilities = read_calibration(path).of(np.array([0.0, 0.8, 0.85, 0.95, 1.0]))
    assert probabilities == pytest.approx([0.3, 0.3, 0.5, 0.825, 0.95])


def test_calibration_in_another_order_is_the_same(path: Path) -> None:
    np.savez_compressed(path, x=X[::-1], y=Y[::-1])
    assert read_calibration(path).of(np.array([0.85])) == pytest.approx([0.5])


def test_confidence_as_it_is_stays_to_the_last_bit() -> None:
    confidence = np.random.default_rng(0).random(1000)
    assert (AS_IT_IS.of(confidence) == confidence).all()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X}, "expected an .npz file with the arrays x and y"),
        ({"x": X, "y": Y[1:]}, r"x has the shape \(3,\) and y \(2,\)"),
        ({"x": X[:1], "y": Y[:1]}, "expected two numbers or more"),
        ({"x": X, "y": 2 * Y}, "y from 0 to 1"),
        ({"x": X, "y": Y * np.nan}, "y from 0 to 1"),
        ({"x": X * np.inf, "y": Y}, "x must be finite"),
        ({"x": np.array(["a", "b", "c"]), "y": Y}, "is no calibration"),
        ({"x": np.array([{}, 1, 2], dtype=object), "y": Y}, "is no calibration"),
    ],
)
def test_calibration_that_is_none_is_refused_with_the_fault(
    path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(InputError, match=message):
        read_calibration(path)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_calibration_in_another_format_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no calibration"):
        read_calibration(path)


def test_calibration_of_a_bare_array_is_refused(path: Path) -> None:
    np.save(path.with_suffix(".npy"), X)
    with pytest.raises(InputError, match="is no calibration"):
        read_calibration(path.with_suffix(".npy"))


def test_calibration_that_is_absent_is_refused_with_what_to_do(path: Path) -> None:
    with pytest.raises(InputError, match="put the file there, or take filepath out of the catalog entry"):
        read_calibration(path)


def catalog_with(**options: str) -> DataCatalog:
    kind = "animl_kedro.datasets.confidence_calibration.ConfidenceCalibrationDataset"
    return DataCatalog.from_config({"calibration": {"type": kind, **options}})


def test_entry_without_a_file_is_there_and_changes_nothing() -> None:
    catalog = catalog_with()
    assert catalog.exists("calibration")
    assert catalog.load("calibration") is AS_IT_IS


def test_entry_with_a_file_loads_it_and_is_there_if_the_file_is(path: Path) -> None:
    catalog = catalog_with(filepath=str(path))
    assert not catalog.exists("calibration")
    np.savez(path, x=X, y=Y)
    assert catalog.exists("calibration")
    assert catalog.load("calibration").x.tolist() == X.tolist()


def test_entry_is_never_written(path: Path) -> None:
    with pytest.raises(DatasetError, match="read, never written"):
        ConfidenceCalibrationDataset(filepath=str(path)).save(AS_IT_IS)  # type: ignore[arg-type]
