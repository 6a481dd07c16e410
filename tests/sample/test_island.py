"""The plan: places, visits, and the long tail of species."""

import datetime as dt
import itertools
from collections import Counter, defaultdict

import pytest

from animl_kedro.sample.animals import Species
from animl_kedro.sample.island import Island, plan_island

SEEDS = (20, 1, 7)


@pytest.fixture(scope="module", params=SEEDS)
def any_island(request: pytest.FixtureRequest) -> Island:
    return plan_island(request.param)


def animals_of(island: Island) -> Counter[Species]:
    return Counter(animal.species for photo in island.photographs for animal in photo.animals)


def test_plan_of_the_same_seed_is_the_same() -> None:
    assert plan_island(20) == plan_island(20)


def test_plan_of_another_seed_is_another() -> None:
    assert plan_island(20).photographs != plan_island(21).photographs


def test_plan_of_any_seed_has_about_300_photographs_at_26_locations(any_island: Island) -> None:
    assert 280 <= len(any_island.photographs) <= 320
    assert len({photo.location.name for photo in any_island.photographs}) == 26
    assert len({location.camera for location in any_island.locations}) == 26
    assert [photo.index for photo in any_island.photographs] == list(range(len(any_island.photographs)))


def test_plan_of_any_seed_has_15_percent_empty_photographs(any_island: Island) -> None:
    empty = sum(not photo.animals for photo in any_island.photographs)
    assert 0.12 <= empty / len(any_island.photographs) <= 0.18


def test_species_of_any_seed_have_a_long_tail(any_island: Island) -> None:
    counts = animals_of(any_island)
    assert counts[Species.FOX] > 1.4 * counts[Species.BIRD] > 1.4 * counts[Species.RODENT]
    assert counts[Species.RODENT] > max(counts[Species.SKUNK], counts[Species.LIZARD])
    assert counts[Species.FOX] > 3 * counts[Species.LIZARD]


def test_rare_species_of_any_seed_suffice_for_disjoint_splits(any_island: Island) -> None:
    locations = defaultdict(set)
    for photo in any_island.photographs:
        for animal in photo.animals:
            locations[animal.species].add(photo.location.index)
    assert min(animals_of(any_island).values()) >= 25
    assert {species: len(places) >= 8 for species, places in locations.items()} == dict.fromkeys(Species, True)


def test_every_species_of_the_island_is_seen_by_day_and_by_night(island: Island) -> None:
    seen = {(animal.species, photo.night) for photo in island.photographs for animal in photo.animals}
    assert seen == set(itertools.product(Species, (False, True)))


def test_photographs_with_two_animals_show_one_species_or_two(any_island: Island) -> None:
    pairs = [photo.animals for photo in any_island.photographs if len(photo.animals) == 2]
    assert {len({animal.species for animal in pair}) for pair in pairs} == {1, 2}


def test_bursts_are_one_to_three_frames_seconds_apart_and_far_from_each_other(any_island: Island) -> None:
    starts = [photo.index for photo in any_island.photographs if photo.frame == 0]
    ends = [*starts[1:], len(any_island.photographs)]
    bursts = [any_island.photographs[start:end] for start, end in zip(starts, ends, strict=True)]
    assert {len(burst) for burst in bursts} == {1, 2, 3}
    for burst in bursts:
        assert len({photo.location for photo in burst}) == 1
        assert all(b.taken - a.taken <= dt.timedelta(seconds=2) for a, b in itertools.pairwise(burst))
    first = sorted((burst[0].location.index, burst[0].taken) for burst in bursts)
    gaps = [b[1] - a[1] for a, b in itertools.pairwise(first) if a[0] == b[0]]
    assert min(gaps) > dt.timedelta(minutes=10)


def test_bursts_can_be_empty_or_left_by_their_animal(island: Island) -> None:
    empty = [photo for photo in island.photographs if not photo.animals]
    left = [photo for photo in empty if photo.frame and island.photographs[photo.index - 1].animals]
    assert 3 <= len(left) < len(empty)
    assert sum(photo.frame == 0 for photo in empty) >= 10


def test_animals_move_from_frame_to_frame(island: Island) -> None:
    pairs = [
        (before.animals[0], after.animals[0])
        for before, after in itertools.pairwise(island.photographs)
        if after.frame and before.animals and after.animals
    ]
    assert all(before.pose != after.pose for before, after in pairs)
    assert sum(before.x != after.x for before, after in pairs) > 0.8 * len(pairs)


def test_locations_have_names_that_are_hard_to_read(island: Island) -> None:
    names = {location.name for location in island.locations}
    assert {"42", "NA", "Smuggler's Cove", "Cañada Larga"} < names
    assert any(name.endswith("-default") for name in names)


def test_slugs_of_locations_are_plain(island: Island) -> None:
    slugs = {location.name: location.slug for location in island.locations}
    assert slugs["Smuggler's Cove"] == "smuggler_s_cove"
    assert slugs["Cañada Larga"] == "canada_larga"
    assert len(set(slugs.values())) == len(slugs)


def test_flaws_fall_on_different_photographs_of_lone_foxes(any_island: Island) -> None:
    flaws = any_island.flaws
    flawed = [flaws.missing, flaws.truncated, *flaws.unmeasured, *flaws.undated, *flaws.unreviewed]
    assert len(flawed) == len(set(flawed)) == 16
    for index in flawed:
        assert [animal.species for animal in any_island.photographs[index].animals] == [Species.FOX]
