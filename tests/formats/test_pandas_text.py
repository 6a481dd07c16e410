"""Text that pandas must not take for something else."""

import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animl_kedro.formats.pandas_text import marked, unmarked

NAMES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
    st.text("0123456789.eE+- ", max_size=6),
    st.sampled_from(["NA", "None", "nan", "null", "true", "False", "inf", "-Infinity", "#N/A", "<NA>", "n/a", ""]),
    st.text("'07", max_size=5),
)


def through_pandas(texts: pd.Series) -> list[object]:
    """What pandas reads where it may guess."""
    file = io.StringIO()
    pd.DataFrame({"text": texts}).to_csv(file, index=False, quoting=2)
    return pd.read_csv(io.StringIO(file.getvalue()), index_col=False)["text"].tolist()


@settings(max_examples=300, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=4))
def test_marked_text_comes_back_from_pandas_and_then_as_it_was(names: list[str]) -> None:
    texts = pd.Series(names, dtype=str)
    read = through_pandas(marked(texts))
    assert read == marked(texts).tolist()
    assert unmarked(pd.Series(read, dtype=str)).tolist() == names


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("007", "'007"),
        ("NA", "'NA"),
        ("", "'"),
        ("'007", "''007"),
        ("'Ōhi'a", "'Ōhi'a"),
        ("place 7", "place 7"),
        ("2024-05-06", "2024-05-06"),
    ],
)
def test_only_text_that_pandas_would_misread_is_marked(text: str, written: str) -> None:
    assert marked(pd.Series([text], dtype=str)).tolist() == [written]
    assert unmarked(pd.Series([written], dtype=str)).tolist() == [text]


def test_marking_nothing_gives_nothing() -> None:
    assert marked(pd.Series([], dtype=str)).tolist() == unmarked(pd.Series([], dtype=str)).tolist() == []


def test_marking_more_names_than_a_batch_marks_them_all() -> None:
    numbers = pd.Series([str(number) for number in range(2500)], dtype=str)
    assert marked(numbers).str.startswith("'").all()
