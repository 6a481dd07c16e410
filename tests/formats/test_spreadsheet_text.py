"""Text that a spreadsheet would run as a formula."""

import io
import string
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from animl_kedro.datasets.whole_files import CSVDataset
from animl_kedro.formats.spreadsheet_text import defused, restored

FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-12", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "''-1", "＝1"]
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

texts = st.lists(st.text(alphabet=[*string.ascii_letters[:3], "'", '"', ",", " ", *STARTS]) | st.none())


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_would_be_run_is_marked_in_the_file_and_loads_as_it_was(text: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"label": [text, "fox", "o'hara", "'quoted'"], "number": [-1.5, 2.0, 3.0, 4.0]})
    dataset = CSVDataset(filepath=str(tmp_path / "table.csv"), load_args={"keep_default_na": False})
    dataset.save(table)
    cells = pd.read_csv(tmp_path / "table.csv", keep_default_na=False)
    assert cells["label"].tolist() == ["'" + text, "fox", "o'hara", "'quoted'"]
    assert cells["number"].tolist() == [-1.5, 2.0, 3.0, 4.0]
    pd.testing.assert_frame_equal(dataset.load(), table)


@given(texts)
def test_defused_has_no_formula_and_is_restored_to_what_it_was(column: list[str | None]) -> None:
    table = pd.DataFrame(
        {"text": pd.Series(column, dtype="str"), "object": pd.Series([text or "" for text in column], dtype="object")}
    )
    safe = defused(table)
    assert not any(str(text).startswith(STARTS) for name in table for text in safe[name].dropna())
    pd.testing.assert_frame_equal(restored(safe), table)


def test_table_without_formulas_is_written_as_it_is() -> None:
    table = pd.DataFrame({"label": ["fox", "007", "a=b"], "number": [-1, 0, 1]})
    assert defused(table).to_csv(index=False) == table.to_csv(index=False)
    assert restored(pd.read_csv(io.StringIO("a\n'b\n"))).loc[0, "a"] == "'b"
