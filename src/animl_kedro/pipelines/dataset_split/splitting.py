"""Dividing crops among splits: what stays together, what is settled already, and a method for the rest."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.formats.location_splits import LocationSplits
from animl_kedro.pipelines.dataset_split.earlier_splits import SPLITS, fix_units
from animl_kedro.pipelines.dataset_split.methods import smallest_first, stratified_group
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.pipelines.dataset_split.searching import Found, search
from animl_kedro.pipelines.dataset_split.split_problem import (
    FREE,
    Assignment,
    Floats,
    SplitProblem,
    classes_absent,
    largest_deviation,
    objective,
)
from animl_kedro.pipelines.dataset_split.units import Units, find_units
from animl_kedro.tables import Split, Splits

WIDE_UNIT = 0.25
"""Of the locations that are joined into one unit, the fraction that is worth a warning."""


@dataclass(frozen=True)
class Division:
    """How crops were divided.

    ``splits`` is `Splits`, ``joined`` `JoinedLocations`; ``scores`` tells how close the division came, ``notes`` what
    a person should know of it.
    """

    splits: pd.DataFrame
    joined: pd.DataFrame
    scores: dict[str, Any]
    notes: tuple[str, ...]


def divide(
    labeled_crops: pd.DataFrame,
    image_files: pd.DataFrame,
    previous: LocationSplits,
    fixed_test: LocationSplits,
    params: DatasetSplitParams,
) -> Division:
    """Divide `LabeledCrops` by their locations; ``previous`` are the last run's splits, which count if they are kept.

    Raises InputError where there are too few locations, or where what is settled already contradicts itself.
    """
    if params.method == "kfold" and fixed_test.source:
        raise InputError(
            f"Every location is in the test of one fold, and {fixed_test.source} fixes the test: choose another "
            "dataset_split.method than kfold, or leave fixed_test empty."
        )
    crops = labeled_crops.sort_values("crop_id", ignore_index=True)
    units = find_units(crops, image_files)
    fixed = fix_units(units, crops, previous if params.keep else LocationSplits(), fixed_test)
    fractions = _fractions(params)
    closed = np.zeros(len(fractions), dtype=bool)
    closed[SPLITS.index(Split.TEST)] = bool(fixed_test.source)  # a fixed test takes nothing else
    problem = SplitProblem(units.crops, units.locations, fractions, fixed.units, closed)
    _check_feasible(problem, units, params)
    found = _assign(problem, params)
    splits = _splits_of_crops(crops["crop_id"], found.assignment[units.unit_of_crop], params)
    scores = _scores(problem, found, units, params)
    return Division(
        splits, units.joined, scores, (*_notes_of_units(units), *_notes_of_kept(previous, params), *fixed.notes)
    )


def _fractions(params: DatasetSplitParams) -> Floats:
    if params.method == "kfold":
        return np.full(params.folds, 1 / params.folds)
    return np.array([params.fractions[split] for split in SPLITS])


def _check_feasible(problem: SplitProblem, units: Units, params: DatasetSplitParams) -> None:
    """Raise InputError where a split could not get a unit of its own."""
    parts = "folds" if params.method == "kfold" else "splits"
    has = np.bincount(problem.fixed[problem.fixed != FREE], minlength=len(problem.fractions)) > 0
    needed = len(problem.fractions) - int(has.sum())
    if len(problem.free) >= needed:
        return
    places, count = len(units.places), len(problem.fractions)
    settled = f", and {int((problem.fixed != FREE).sum())} are settled" if has.any() else ""
    joined = (
        f"; of {places} locations, only {len(problem.crops)} can be apart, first of all because of {units.widest}: see "
        "whether it is right"
        if units.widest
        else ""
    )
    raise InputError(
        f"{count} {parts} need {count} locations, got {len(problem.crops)}{settled}{joined}. Add locations, or merge "
        f"or keep more labels, so that every one of the {parts} has a location of its own."
    )


def _assign(problem: SplitProblem, params: DatasetSplitParams) -> Found:
    """Divide by the method that was chosen. What is new beside splits that are kept is always searched for."""
    is_kept = bool((problem.fixed[:, None] == np.flatnonzero(~problem.closed)).any())
    if params.method == "smallest_first":
        return Found(smallest_first(problem), None)
    if params.method == "stratified_group" and not is_kept:
        return Found(stratified_group(problem, params.seed), None)
    return search(problem, params.tries, np.random.default_rng(params.seed))


def _splits_of_crops(crop_ids: "pd.Series[str]", part: Assignment, params: DatasetSplitParams) -> pd.DataFrame:
    """`Splits` of crops, given each one's split or fold."""
    if params.method == "kfold":
        is_test, is_val = part == params.fold, part == (params.fold + 1) % params.folds
        names = np.select([is_test, is_val], [Split.TEST.value, Split.VAL.value], Split.TRAIN.value)
        fold = pd.Series(part, dtype="Int64")
    else:
        names = np.array([split.value for split in SPLITS])[part]
        fold = pd.Series(pd.NA, index=range(len(part)), dtype="Int64")
    return Splits.validate(pd.DataFrame({"crop_id": crop_ids, "split": names, "fold": fold}))


def _scores(problem: SplitProblem, found: Found, units: Units, params: DatasetSplitParams) -> dict[str, Any]:
    """How close the division came; the objective is CameraTraps', of the folds where there are folds."""
    return {
        "method": params.method,
        "seed": params.seed,
        "objective": objective(problem, found.assignment),
        "largest_deviation": largest_deviation(problem, found.assignment),
        "best_random_try": found.best_random_try,
        "classes_absent": classes_absent(problem, found.assignment),
        "locations": len(units.places),
        "units": len(problem.crops),
        "settled_units": int((problem.fixed != FREE).sum()),
    }


def _notes_of_units(units: Units) -> list[str]:
    sizes = units.places["unit"].value_counts()
    if units.widest is None or sizes.iloc[0] < 3 or sizes.iloc[0] <= WIDE_UNIT * len(units.places):
        return []
    return [
        f"{sizes.iloc[0]} of {len(units.places)} locations stay together in one split, most of all because of "
        f"{units.widest}: a sequence is a burst of one camera, so see whether its ids begin anew at every location, or "
        "whether one file was uploaded everywhere. joined_locations lists the locations and what they share."
    ]


def _notes_of_kept(previous: LocationSplits, params: DatasetSplitParams) -> list[str]:
    return (
        ["dataset_split.keep: there are no earlier splits yet to keep"] if params.keep and not previous.split_of else []
    )
