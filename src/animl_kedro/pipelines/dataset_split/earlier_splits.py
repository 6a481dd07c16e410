"""Locations whose split is settled before anything is divided: those of a fixed test set, and those of the last run."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.formats.location_splits import Location, LocationSplits
from animl_kedro.pipelines.dataset_split.split_problem import FREE, Integers
from animl_kedro.pipelines.dataset_split.units import Units
from animl_kedro.tables import Split

SPLITS = tuple(Split)
MAX_NAMED = 5
"""How many locations or crops a message names."""


@dataclass(frozen=True)
class Fixed:
    """(n_units,) the split of each unit or `FREE`, and what a person should know of it."""

    units: Integers
    notes: tuple[str, ...]


def fix_units(units: Units, crops: pd.DataFrame, kept: LocationSplits, fixed_test: LocationSplits) -> Fixed:
    """Settle the units of the fixed test set, and of the splits that are kept.

    Raises InputError where a location, or locations that stay together, would have to be in two splits, and where the
    fixed test set has nothing left.
    """
    names = zip(units.places["dataset"], units.places["location"], strict=True)
    index = {name: number for number, name in enumerate(names)}
    split_of_place = np.full(len(units.places), FREE)
    for location, split in kept.split_of.items():
        if split not in SPLITS:
            raise InputError(f"{kept.source} has the split {split!r}: expected one of {', '.join(SPLITS)}.")
        if location in index:
            split_of_place[index[location]] = SPLITS.index(Split(split))
    notes: list[str] = []
    if fixed_test.source:
        notes += _lost(index, crops, fixed_test)
        _agree(units, split_of_place, index, kept, fixed_test)
        split_of_place[[index[location] for location in fixed_test.test if location in index]] = SPLITS.index(
            Split.TEST
        )
    of_unit, dragged = _split_of_unit(units, split_of_place)
    return Fixed(of_unit, (*notes, *dragged))


def _split_of_unit(units: Units, split_of_place: Integers) -> tuple[Integers, list[str]]:
    """(n_units,) splits, and a note for each location that follows another one."""
    of_unit = np.full(int(units.places["unit"].max()) + 1, FREE)
    settled_by: dict[int, int] = {}
    unit_of_place = units.places["unit"].to_numpy()
    for place in np.flatnonzero(split_of_place != FREE):
        unit, split = int(unit_of_place[place]), int(split_of_place[place])
        other = settled_by.setdefault(unit, int(place))
        if split_of_place[other] != split:
            raise InputError(
                f"{units.name_of(other)} is to be in {SPLITS[split_of_place[other]]} and {units.name_of(int(place))} "
                f"in {SPLITS[split]}, but they share {_what_joins(units, unit)}: a split must not see what another one "
                "measures. Remove the images that are there twice or correct their sequences, or divide anew "
                "(dataset_split.keep: false, another fixed_test)."
            )
        of_unit[unit] = split
    follows = [int(p) for p in np.flatnonzero(split_of_place == FREE) if int(unit_of_place[p]) in settled_by]
    return of_unit, [
        f"{units.name_of(place)} goes into {SPLITS[of_unit[unit_of_place[place]]]} with "
        f"{units.name_of(settled_by[int(unit_of_place[place])])}, since they share "
        f"{_what_joins(units, int(unit_of_place[place]))}"
        for place in follows
    ]


def _what_joins(units: Units, unit: int) -> str:
    """The sequences or files that hold a unit together, some of them by name."""
    members = units.places[units.places["unit"] == unit]
    first = f"{members['dataset'].iloc[0]}/{members['location'].iloc[0]}"
    rows = units.joined[units.joined["unit"] == first]
    return _named([f"the {reason.replace('_', ' ')} {key!r}" for reason, key in rows[["reason", "key"]].to_numpy()])


def _agree(
    units: Units, split_of_place: Integers, index: dict[Location, int], kept: LocationSplits, fixed_test: LocationSplits
) -> None:
    """Raise InputError where what is kept is not what the fixed test set says."""
    in_test = {index[location] for location in fixed_test.test if location in index}
    for place in np.flatnonzero(split_of_place != FREE):
        split = SPLITS[split_of_place[place]]
        if (split is Split.TEST) != (int(place) in in_test):
            wish = "is" if int(place) in in_test else "is not"
            raise InputError(
                f"{units.name_of(int(place))} was in {split} in the last run ({kept.source}), and {wish} in the fixed "
                f"test set {fixed_test.source}: set dataset_split.keep to false, or correct the fixed test set."
            )


def _lost(index: dict[Location, int], crops: pd.DataFrame, fixed_test: LocationSplits) -> list[str]:
    """What of a fixed test set is no longer there. Raises InputError where nothing is left, or never was."""
    if not fixed_test.test:
        raise InputError(f"{fixed_test.source} names no location of a test set: expected a list under 'test'.")
    gone = sorted("/".join(location) for location in fixed_test.test if location not in index)
    if len(gone) == len(fixed_test.test):
        raise InputError(
            f"None of the {len(gone)} test locations of {fixed_test.source} has crops ({_named(gone)}): it belongs to "
            "other data, or the data sets have other names here."
        )
    notes = []
    if gone:
        notes.append(f"{len(gone)} of {len(fixed_test.test)} fixed test locations have no crops here: {_named(gone)}")
    if fixed_test.test_crops:
        lost = sorted(set(fixed_test.test_crops) - set(crops["crop_id"]))
        if lost:
            total = len(set(fixed_test.test_crops))
            notes.append(f"{len(lost)} of {total} crops of the fixed test set are not here any more: {_named(lost)}")
        places = pd.MultiIndex.from_frame(crops[["dataset", "location"]])
        here = crops["crop_id"][places.isin(list(fixed_test.test))]
        if new := len(set(here) - set(fixed_test.test_crops)):
            notes.append(f"{new} crops at the fixed test locations are new since, and are in the test as well")
    return notes


def _named(names: list[str]) -> str:
    return ", ".join(names[:MAX_NAMED]) + (f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else "")
