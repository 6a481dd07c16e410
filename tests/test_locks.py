"""One run at a time in a folder."""

from pathlib import Path

import pytest

from animl_kedro.errors import InputError
from animl_kedro.locks import sole_run_in


def test_second_run_in_a_folder_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    folder = tmp_path / "made by the first run"
    with (
        sole_run_in(folder, "training", "Give each its own."),
        pytest.raises(InputError, match=r"Another run is training in .*made by the first.* Give each its own."),
        sole_run_in(folder, "training", "Give each its own."),
    ):
        pass
    with sole_run_in(folder, "training", ""):
        pass


def test_run_that_fails_gives_its_folder_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), sole_run_in(tmp_path, "training", ""):
        raise ZeroDivisionError
    with sole_run_in(tmp_path, "training", ""):
        pass


def test_folder_that_cannot_hold_a_lock_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with sole_run_in(tmp_path / "file" / "no folder", "training", ""):
        pass
