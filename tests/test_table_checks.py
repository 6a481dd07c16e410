"""The check that ids are distinct says what pandera's own says, whatever the ids are."""

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.typing.pandas import Series

from animl_kedro import table_checks
from animl_kedro.tables import Crops, Images
from factories import make_images

ID = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(["island:0001", "island:0002", "a"])


class Distinct(pa.DataFrameModel):
    key: Series[str] = pa.Field(distinct=True, nullable=True)


class Unique(pa.DataFrameModel):
    key: Series[str] = pa.Field(unique=True, nullable=True)


def passes(schema: type[pa.DataFrameModel], values: "pd.Series[str]") -> bool:
    try:
        schema.validate(values.to_frame("key"))
    except pa.errors.SchemaError:
        return False
    return True


def ids(count: int) -> "pd.Series[str]":
    return pd.Series([f"island/camera {number:05d}.jpg" for number in range(count)], dtype="str")


@given(st.lists(ID))
def test_distinct_says_what_pandera_says(values: list[str]) -> None:
    column = pd.Series(values, dtype="str")
    assert passes(Distinct, column) == passes(Unique, column) == (len(set(values)) == len(values))


def test_distinct_finds_one_id_that_is_there_twice_among_thousands() -> None:
    column = ids(20_000)
    assert passes(Distinct, column)
    column[17] = column[19_999]
    assert not passes(Distinct, column)


def test_distinct_finds_what_is_twice_in_different_pieces_of_a_table_of_uneven_ids() -> None:
    pieces = [ids(50), ids(50).str.replace("island", "another island of a longer name"), ids(3)]
    column = pd.concat(pieces[:2], ignore_index=True)
    assert passes(Distinct, column)
    assert not passes(Distinct, pd.concat(pieces, ignore_index=True))


def test_distinct_of_a_part_of_a_table_looks_at_that_part_alone() -> None:
    column = pd.concat([ids(10), ids(10)], ignore_index=True)
    assert passes(Distinct, column[5:15])
    assert not passes(Distinct, column[5:16])


def test_distinct_does_not_count_missing_values() -> None:
    column = pd.Series(["island:0001", None, "island:0002", None], dtype="str")
    assert passes(Distinct, column)
    assert not passes(Distinct, pd.concat([column, column[2:3]], ignore_index=True))


def test_distinct_where_all_fingerprints_are_alike_looks_at_the_ids_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_checks, "MULTIPLIER", np.uint64(0))
    assert passes(Distinct, ids(100))
    assert not passes(Distinct, pd.concat([ids(100), ids(1)], ignore_index=True))


def test_table_with_an_id_twice_is_refused_with_the_id() -> None:
    images = make_images(3)
    twice = pd.concat([images, images.head(1).assign(file_name="another.jpg")], ignore_index=True)
    with pytest.raises(pa.errors.SchemaError, match=r"'image_id' failed .* distinct.*failure cases: island:0000"):
        Images.validate(twice)
    assert Crops.of([]).empty
