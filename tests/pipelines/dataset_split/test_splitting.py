"""Dividing crops among splits: every method, fixed test sets, splits that are kept."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from animl_kedro.errors import InputError
from animl_kedro.formats.location_splits import LocationSplits
from animl_kedro.pipelines.dataset_split.balance import check_disjoint
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.pipelines.dataset_split.splitting import Division, divide
from animl_kedro.tables import Split
from crop_factories import make_crops, make_image_files, make_labeled_crops, split_params

METHODS = ["random", "smallest_first", "stratified_group", "kfold"]
NONE = LocationSplits()


def make_labeled(locations: int = 15, crops: int = 200, seed: int = 0) -> pd.DataFrame:
    return make_labeled_crops(make_crops(locations, crops, seed=seed))


def divided(
    crops: pd.DataFrame,
    params: DatasetSplitParams | None = None,
    *,
    previous: LocationSplits = NONE,
    fixed_test: LocationSplits = NONE,
    checksums: dict[str, str] | None = None,
) -> Division:
    files = make_image_files(crops, checksums)
    division = divide(crops, files, previous, fixed_test, params or split_params(tries=50))
    check_disjoint(crops, files, division.splits)
    return division


def splits_of_locations(crops: pd.DataFrame, division: Division) -> dict[tuple[str, str], str]:
    table = crops.merge(division.splits, on="crop_id").drop_duplicates(["dataset", "location"])
    return dict(zip(zip(table["dataset"], table["location"], strict=True), table["split"], strict=True))


def in_test(*locations: str) -> LocationSplits:
    return LocationSplits({("island", location): "test" for location in locations}, source="fixed.json")


@settings(max_examples=30, deadline=None)
@given(
    method=st.sampled_from(METHODS),
    locations=st.integers(8, 25),
    seed=st.integers(0, 10_000),
    sequences=st.integers(1, 60),
    files=st.integers(1, 400),
)
def test_dividing_whatever_the_input_is_disjoint_complete_and_free_of_orders_and_names(
    method: str, locations: int, seed: int, sequences: int, files: int
) -> None:
    rng = np.random.default_rng(seed)
    crops = make_labeled(locations, 80, seed)
    sequence = pd.Series([f"s{n}" for n in rng.integers(sequences, size=80)], index=crops.index, dtype=str)
    crops = crops.assign(sequence_id=sequence.where(rng.random(80) < 0.3))
    checksums = {image: f"file {n}" for image, n in zip(crops["image_id"], rng.integers(files, size=80), strict=True)}
    checksums = {image: name for image, name in checksums.items() if rng.random() < 0.3}
    params = split_params(method=method, tries=20)
    try:
        division = divided(crops, params, checksums=checksums)  # this checks locations, sequences and files
    except InputError as error:
        assume("need" not in str(error))  # too much was joined
        raise
    assert division.splits["crop_id"].tolist() == sorted(crops["crop_id"])
    assert set(division.splits["split"]) == set(Split)
    names = dict(zip(crops["location"].unique(), rng.permutation(crops["location"].unique()), strict=True))
    other = crops.sample(frac=1, random_state=seed)
    other = other.assign(location=other["location"].map(names), dataset="Another name")
    pd.testing.assert_frame_equal(divided(other, params, checksums=checksums).splits, division.splits)


def test_dividing_into_folds_puts_every_location_in_the_test_once() -> None:
    crops = make_labeled()
    tested: list[str] = []
    folds = []
    for fold in range(4):
        division = divided(crops, split_params(method="kfold", folds=4, fold=fold, tries=50))
        splits = division.splits
        assert set(splits.loc[splits["fold"] == fold, "split"]) == {Split.TEST}
        assert set(splits.loc[splits["fold"] == (fold + 1) % 4, "split"]) == {Split.VAL}
        others = ~splits["fold"].isin([fold, (fold + 1) % 4])
        assert set(splits.loc[others, "split"]) == {Split.TRAIN}
        tested += [place for (_, place), split in splits_of_locations(crops, division).items() if split == Split.TEST]
        folds.append(splits["fold"].tolist())
    assert sorted(tested) == sorted(crops["location"].unique())
    assert all(numbers == folds[0] for numbers in folds)


@pytest.mark.parametrize("method", ["random", "smallest_first", "stratified_group"])
def test_dividing_without_folds_says_none(method: str) -> None:
    assert divided(make_labeled(), split_params(method=method)).splits["fold"].isna().all()


@pytest.mark.parametrize("method", ["smallest_first", "stratified_group"])
def test_dividing_at_random_is_closer_than_the_other_methods(method: str) -> None:
    crops = make_labeled(40, 600)
    scores = [divided(crops, split_params(method=name)).scores for name in ("random", method)]
    assert scores[0]["objective"] < scores[1]["objective"]
    assert scores[0]["largest_deviation"] < 0.05
    assert scores[1]["method"] == method
    assert scores[1]["best_random_try"] is None


@settings(max_examples=30, deadline=None)
@given(
    method=st.sampled_from(["random", "smallest_first", "stratified_group"]),
    numbers=st.sets(st.integers(0, 14), min_size=1, max_size=9),
    seed=st.integers(0, 1000),
)
def test_dividing_with_a_fixed_test_keeps_exactly_these_in_it(method: str, numbers: set[int], seed: int) -> None:
    crops = make_labeled(seed=seed)
    fixed = in_test(*(f"place {number}" for number in numbers))
    division = divided(crops, split_params(method=method, tries=20), fixed_test=fixed)
    splits = splits_of_locations(crops, division)
    assert {place for place, split in splits.items() if split == Split.TEST} == fixed.test
    assert set(splits.values()) == set(Split)
    assert division.notes == ()


def test_dividing_with_a_fixed_test_says_what_of_it_is_gone_and_what_is_new() -> None:
    crops = make_labeled()
    here = crops.loc[crops["location"] == "place 2", "crop_id"].tolist()
    fixed = LocationSplits(
        {("island", "place 2"): "test", ("island", "gone"): "test", ("island", "place 3"): "train"},
        ("island/gone.jpg___crop00.jpg", *here[1:]),
        "fixed.json",
    )
    notes = divided(crops, fixed_test=fixed).notes
    assert notes == (
        "1 of 2 fixed test locations have no crops here: island/gone",
        f"1 of {len(here)} crops of the fixed test set are not here any more: island/gone.jpg___crop00.jpg",
        "1 crops at the fixed test locations are new since, and are in the test as well",
    )


@pytest.mark.parametrize(
    ("fixed", "params", "message"),
    [
        (in_test("x", "y"), {}, r"None of the 2 test locations of fixed.json has crops \(island/x, island/y\)"),
        (LocationSplits({("island", "place 1"): "train"}, source="fixed.json"), {}, "names no location of a test set"),
        (in_test("place 1"), {"method": "kfold"}, "fixes the test: choose another dataset_split.method than kfold"),
        (in_test(*(f"place {n}" for n in range(14))), {}, "3 splits need 3 locations, got 15, and 14 are settled"),
    ],
)
def test_dividing_with_a_fixed_test_that_cannot_be_is_refused(
    fixed: LocationSplits, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        divided(make_labeled(), split_params(**params), fixed_test=fixed)


def test_dividing_takes_a_location_along_that_shares_a_file_with_the_fixed_test() -> None:
    crops = make_labeled()
    images = crops.drop_duplicates("location").set_index("location")["image_id"]
    same = {images["place 1"]: "same", images["place 2"]: "same"}
    division = divided(crops, fixed_test=in_test("place 1"), checksums=same)
    assert splits_of_locations(crops, division)["island", "place 2"] == Split.TEST
    assert division.notes == (
        "island/place 2 goes into test with island/place 1, since they share the identical file 'same'",
    )


def previous_of(crops: pd.DataFrame, division: Division) -> LocationSplits:
    return LocationSplits(splits_of_locations(crops, division), source="splits.json")


@settings(max_examples=30, deadline=None)
@given(
    method=st.sampled_from(["random", "smallest_first", "stratified_group"]),
    seed=st.integers(0, 1000),
    new=st.integers(0, 10),
)
def test_dividing_anew_with_keep_never_moves_a_location(method: str, seed: int, new: int) -> None:
    crops = make_labeled(12 + new, 250, seed)
    old = crops[crops["location"].isin([f"place {number}" for number in range(12)])]
    before = previous_of(old, divided(old, split_params(method=method, tries=20)))
    division = divided(crops, split_params(method=method, keep=True, tries=20), previous=before)
    after = splits_of_locations(crops, division)
    assert {place: after[place] for place in before.split_of} == before.split_of
    assert division.scores["settled_units"] == len(before.split_of)


def test_dividing_anew_without_keep_does_not_look_at_the_last_run() -> None:
    crops = make_labeled()
    one = LocationSplits({("island", f"place {number}"): "train" for number in range(15)}, source="splits.json")
    pd.testing.assert_frame_equal(divided(crops, previous=one).splits, divided(crops).splits)


def test_dividing_for_the_first_time_with_keep_says_that_there_is_nothing_to_keep() -> None:
    crops = make_labeled()
    division = divided(crops, split_params(keep=True, tries=50))
    assert division.notes == ("dataset_split.keep: there are no earlier splits yet to keep",)
    pd.testing.assert_frame_equal(division.splits, divided(crops).splits)


def test_dividing_with_keep_and_joined_locations_of_two_splits_is_refused_with_both_names() -> None:
    crops = make_labeled()
    kept = LocationSplits({("island", "place 1"): "train", ("island", "place 2"): "val"}, source="splits.json")
    shared = crops["location"].isin(["place 1", "place 2"])
    crops = crops.assign(sequence_id=pd.Series("s1", crops.index, dtype=str).where(shared))
    with pytest.raises(
        InputError, match="island/place 1 is to be in train and island/place 2 in val, but they share the sequence 's1'"
    ):
        divided(crops, split_params(keep=True), previous=kept)


@pytest.mark.parametrize(
    ("kept", "fixed", "message"),
    [
        ("train", "place 1", "island/place 1 was in train in the last run .*, and is in the fixed test set"),
        ("test", "place 2", "island/place 1 was in test in the last run .*, and is not in the fixed test set"),
    ],
)
def test_dividing_with_keep_and_another_fixed_test_is_refused(kept: str, fixed: str, message: str) -> None:
    before = LocationSplits({("island", "place 1"): kept}, source="splits.json")
    with pytest.raises(InputError, match=message):
        divided(make_labeled(), split_params(keep=True), previous=before, fixed_test=in_test(fixed))


def test_dividing_with_keep_and_splits_of_other_names_is_refused() -> None:
    before = LocationSplits({("island", "place 1"): "holdout"}, source="splits.json")
    with pytest.raises(InputError, match="has the split 'holdout': expected one of train, val, test"):
        divided(make_labeled(), split_params(keep=True), previous=before)
