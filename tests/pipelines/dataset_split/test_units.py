"""What stays together."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animl_kedro.pipelines.dataset_split.units import Units, find_units
from animl_kedro.tables import JoinReason
from crop_factories import make_crops, make_image_files, make_labeled_crops


def make_units(crops: pd.DataFrame, checksums: dict[str, str] | None = None) -> Units:
    return find_units(crops.sort_values("crop_id", ignore_index=True), make_image_files(crops, checksums))


def with_places(places: list[str], sequences: list[str | None] | None = None, dataset: str = "island") -> pd.DataFrame:
    """`LabeledCrops` with a row a place, and their sequences."""
    crops = make_labeled_crops(make_crops(crops=len(places)))
    sequence = pd.Series(sequences or [None] * len(places), index=crops.index, dtype=str)
    return crops.assign(location=places, sequence_id=sequence, dataset=dataset)


def together(units: Units) -> list[set[str]]:
    """The names of the locations of each unit with more than one."""
    groups = units.places.groupby("unit")["location"].agg(set)
    return sorted((group for group in groups if len(group) > 1), key=min)


def test_units_of_locations_that_share_nothing_are_these_locations() -> None:
    units = make_units(with_places(["a", "b", "a", "c"], ["1", "2", "1", None]))
    assert len(units.crops) == 3
    assert units.joined.empty
    assert units.widest is None


def test_units_join_locations_of_one_sequence_also_through_others() -> None:
    units = make_units(with_places(["a", "b", "b", "c", "d", "e"], ["1", "1", "2", "2", None, None]))
    assert together(units) == [{"a", "b", "c"}]
    columns = ["unit", "location", "other_location", "reason", "shared", "key"]
    assert units.joined[columns].to_numpy().tolist() == [
        ["island/a", "a", "b", JoinReason.SEQUENCE, 1, "1"],
        ["island/a", "b", "c", JoinReason.SEQUENCE, 1, "2"],
    ]


def test_units_of_two_datasets_with_one_sequence_id_are_apart() -> None:
    one, other = with_places(["a", "b"], ["1", None]), with_places(["c", "d"], ["1", None], "other")
    crops = pd.concat([one, other.assign(crop_id="other/" + other["crop_id"], image_id="o" + other["image_id"])])
    assert together(make_units(crops)) == []


def test_units_join_locations_of_two_datasets_with_an_identical_file() -> None:
    one, other = with_places(["a", "b"]), with_places(["c", "d"], dataset="other")
    crops = pd.concat([one, other.assign(crop_id="other/" + other["crop_id"], image_id="o" + other["image_id"])])
    units = make_units(crops, {one["image_id"].iloc[0]: "same", "o" + other["image_id"].iloc[1]: "same"})
    assert together(units) == [{"a", "d"}]
    assert units.joined[["dataset", "other_dataset", "reason", "key"]].to_numpy().tolist() == [
        ["island", "other", JoinReason.IDENTICAL_FILE, "same"]
    ]


def test_units_of_files_without_a_checksum_are_apart() -> None:
    crops = with_places(["a", "b", "c"])
    files = make_image_files(crops).assign(checksum=pd.Series([None, None, None], dtype=str))
    assert together(find_units(crops, files)) == []
    assert together(find_units(crops, files.iloc[:0])) == []


def test_units_count_crops_and_the_locations_where_a_class_is() -> None:
    crops = with_places(["a", "a", "b", "b", "c"], [None, "1", "1", None, None])
    crops = crops.assign(label=["fox", "fox", "fox", "bird", "bird"])
    units = make_units(crops)
    assert units.crops.tolist() == [[1, 0], [1, 3]]  # c alone, then a and b; bird, fox
    assert units.locations.tolist() == [[1, 0], [1, 2]]


def test_units_name_the_sequence_that_is_seen_most_widely() -> None:
    units = make_units(with_places(list("abcde"), ["1", "1", "1", "2", "2"]))
    assert str(units.widest) == "the sequence '1', which is seen at 3 locations"


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), places=st.integers(1, 12), sequences=st.integers(1, 12), files=st.integers(1, 60))
def test_units_are_the_same_for_other_orders_and_names_and_keep_all_together(
    seed: int, places: int, sequences: int, files: int
) -> None:
    rng = np.random.default_rng(seed)
    crops = make_labeled_crops(make_crops(places, 40, seed=seed))
    crops = crops.assign(sequence_id=[f"s{n}" for n in rng.integers(sequences, size=40)])
    crops = crops.assign(sequence_id=crops["sequence_id"].where(rng.random(40) < 0.2))
    checksums = {
        image: f"file {n}" for image, n in zip(crops["image_id"], rng.integers(10 * files, size=40), strict=True)
    }
    units = make_units(crops, checksums)
    names = {name: f"renamed {n}" for n, name in enumerate(rng.permutation(crops["location"].unique()))}
    other = make_units(crops.sample(frac=1, random_state=seed).assign(location=crops["location"].map(names)), checksums)
    assert (units.unit_of_crop == other.unit_of_crop).all()
    table = crops.sort_values("crop_id").assign(unit=units.unit_of_crop, file=crops["image_id"].map(checksums))
    for key in ("location", "sequence_id", "file"):
        assert (table.groupby(key)["unit"].nunique() == 1).all()
    assert len(together(units)) <= len(units.joined)


@pytest.mark.parametrize("length", [2, 50, 1000])
def test_units_of_a_long_chain_of_sequences_are_one(length: int) -> None:
    places = [f"p{n // 2}" for n in range(1, 2 * length - 1)]
    units = make_units(with_places(places, [f"s{n // 2}" for n in range(2 * length - 2)]))
    assert len(units.crops) == 1
    assert len(units.joined) == length - 1
