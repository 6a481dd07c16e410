"""The dataset of a working folder."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from animl_kedro.datasets.working_folder import WorkingFolderDataset


def test_working_folder_is_given_as_a_path_whether_or_not_it_is_there(tmp_path: Path) -> None:
    dataset = WorkingFolderDataset(path=str(tmp_path / "checkpoints"))
    assert dataset.load() == tmp_path / "checkpoints"
    assert dataset.exists()
    assert str(tmp_path) in str(dataset)


def test_working_folder_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not saved as a whole"):
        WorkingFolderDataset(path=str(tmp_path)).save(tmp_path)  # type: ignore[arg-type]
