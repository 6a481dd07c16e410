"""Drawing: as many as may be, evenly over locations, whatever the order and the names."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from animl_kedro.pipelines.dataset_split.sampling import draw_evenly


def make_units(places: list[int], label: str = "fox", level: int = 0) -> pd.DataFrame:
    """Units of one class, the places' numbers of units given."""
    place = np.repeat(np.arange(len(places)), places)
    ids = [f"{label} {level} {number}" for number in range(len(place))]
    return pd.DataFrame({"id": ids, "label": label, "place": place, "level": level})


def drawn_by_place(units: pd.DataFrame, maximum: int, seed: int = 0) -> list[int]:
    taken = units[draw_evenly(units, {"fox": maximum}, seed)]
    return taken["place"].value_counts().reindex(sorted(units["place"].unique()), fill_value=0).tolist()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(1, 200), st.integers(0, 2**70))
def test_every_location_gives_as_many_until_it_has_no_more(places: list[int], maximum: int, seed: int) -> None:
    drawn = drawn_by_place(make_units(places), maximum, seed)
    assert sum(drawn) == min(maximum, sum(places))
    most = max(drawn)
    for there, taken in zip(places, drawn, strict=True):
        assert taken == there or taken in (most, most - 1)
        assert taken >= min(there, most - 1)


def test_a_rare_location_keeps_all_beside_one_of_many() -> None:
    assert drawn_by_place(make_units([1000, 5, 1]), 30) == [24, 5, 1]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 30), st.integers(0, 99))
def test_order_of_rows_and_numbers_of_places_do_not_matter(places: list[int], maximum: int, order: int) -> None:
    units = make_units(places)
    shuffled = units.sample(frac=1, random_state=order)
    renamed = shuffled.assign(place=1000 - shuffled["place"])
    taken = set(units.loc[draw_evenly(units, {"fox": maximum}, 3), "id"])
    for others in (shuffled, renamed):
        assert set(others.loc[draw_evenly(others, {"fox": maximum}, 3), "id"]) == taken


def test_classes_are_drawn_apart_and_those_without_a_maximum_are_all_taken() -> None:
    units = pd.concat([make_units([5, 5]), make_units([3, 1], "bird"), make_units([4], "cow")])
    taken = units[draw_evenly(units, {"fox": 4, "bird": 3, "no such class": 1}, 0)]
    assert taken["label"].value_counts().to_dict() == {"fox": 4, "bird": 3, "cow": 4}


def test_lower_levels_come_first() -> None:
    units = pd.concat([make_units([3, 3]), make_units([9, 9], level=1)], ignore_index=True)
    for maximum, levels in ((4, {0: 4}), (6, {0: 6}), (8, {0: 6, 1: 2})):
        taken = units[draw_evenly(units, {"fox": maximum}, 0)]
        assert taken["level"].value_counts().to_dict() == levels


def test_seeds_draw_differently_and_without_a_preference() -> None:
    units = make_units([50, 2])
    counts = sum(draw_evenly(units, {"fox": 5}, seed).astype(int) for seed in range(500))
    assert np.ptp(np.asarray(counts)[:50]) < 50  # each 30 of 500 times, give or take five standard deviations
    third = [drawn_by_place(make_units([500, 4]), 3, seed)[0] for seed in range(400)]
    assert np.mean(third) == pytest.approx(1.5, abs=0.13)  # who has more units is not favoured for the odd one


def test_units_that_arrive_later_change_only_what_must_make_room() -> None:
    units = make_units([20, 20])
    before = set(units.loc[draw_evenly(units, {"fox": 12}, 0), "id"])
    later = pd.concat([units, pd.DataFrame({"id": ["new 1", "new 2"], "label": "fox", "place": 7, "level": 0})])
    after = set(later.loc[draw_evenly(later, {"fox": 12}, 0), "id"])
    assert {"new 1", "new 2"} < after
    assert len(before - after) == 2


def test_nothing_to_draw_from_is_nothing_drawn() -> None:
    assert draw_evenly(make_units([1]).iloc[:0], {}, 0).tolist() == []
