"""Dividing locations among splits so that every class comes as close as it can to the wanted fractions.

The objective is CameraTraps': for each split and class, twice the squared error of the class's share of crops plus
the squared error of its share of locations. Random assignments are tried first, as CameraTraps does; the best of them
are then improved by moving single locations, and by swapping two, until nothing helps any more.

Source: CameraTraps, classification/create_classification_dataset.py, create_splits_random.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from animl_kedro.errors import InputError

CROP_WEIGHT = 2.0
STARTS = 8
"""How many of the random assignments are improved."""

ABSENT_CLASS = 1e3
"""What a class that is absent from a split adds to the objective of the search: more than all else together."""

TOLERANCE = 1e-9
"""Smaller gains are rounding errors, and following them need not end."""

Floats = NDArray[np.float64]
Assignment = NDArray[np.int64]


@dataclass(frozen=True)
class SplitProblem:
    """What is to be divided.

    ``crops`` is (n_locations, n_classes) counts of crops, ``fractions`` (n_splits,) wanted fractions that sum to 1.
    """

    crops: NDArray[np.int64]
    fractions: Floats

    def __post_init__(self) -> None:
        locations, splits = len(self.crops), len(self.fractions)
        if locations < splits:
            raise InputError(
                f"{splits} splits need {splits} locations, got {locations}: add locations, or merge or keep more "
                "labels, so that every split has a location of its own."
            )

    @property
    def shares(self) -> Floats:
        """(n_locations, 2 × n_classes): what a location adds to the shares of crops and of locations of each class.

        Scaled by the square root of the weights, so that the objective is a plain sum of squares.
        """
        present = (self.crops > 0).astype(float)
        crops = self.crops / np.maximum(self.crops.sum(axis=0), 1)
        return np.hstack([np.sqrt(CROP_WEIGHT) * crops, present / np.maximum(present.sum(axis=0), 1)])

    @property
    def wanted(self) -> Floats:
        """(n_splits, 2 × n_classes): the wanted shares, scaled likewise."""
        return np.outer(self.fractions, self.shares.sum(axis=0))


def objective(problem: SplitProblem, assignment: Assignment) -> float:
    """How far an assignment, (n_locations,) indices of splits, is from what is wanted; 0 is perfect."""
    shares, wanted = problem.shares, problem.wanted
    got = np.stack([shares[assignment == split].sum(axis=0) for split in range(len(wanted))])
    return float(((got - wanted) ** 2).sum())


def classes_absent(problem: SplitProblem, assignment: Assignment) -> int:
    """How many pairs of a class and a split there are where the split has no crop of the class."""
    present = problem.crops > 0
    occupied = [present[assignment == split].any(axis=0) for split in range(len(problem.fractions))]
    return int((~np.stack(occupied) & present.any(axis=0)).sum())


def assign_locations(problem: SplitProblem, tries: int, rng: np.random.Generator) -> Assignment:
    """Divide the locations: (n_locations,) indices of splits, each split with one location at the least.

    Every class is brought into every split where its locations allow it; among such assignments the objective counts.
    """
    starts = _random_assignments(problem, tries, rng)
    one_hot = (starts[:, None, :] == np.arange(len(problem.fractions))[:, None]).astype(float)
    distances = ((one_hot @ problem.shares - problem.wanted) ** 2).sum(axis=(1, 2))
    absent = ((one_hot @ (problem.crops > 0)) == 0).sum(axis=(1, 2))
    best_starts = starts[np.argsort(distances + ABSENT_CLASS * absent, kind="stable")[:STARTS]]
    improved = [_Improvement(problem, start).run() for start in best_starts]
    return min(improved, key=lambda found: (classes_absent(problem, found), objective(problem, found)))


def _random_assignments(problem: SplitProblem, tries: int, rng: np.random.Generator) -> Assignment:
    """(tries, n_locations) random assignments by the fractions, with no split left empty."""
    locations, splits = len(problem.crops), len(problem.fractions)
    assignments = rng.choice(splits, size=(tries, locations), p=problem.fractions)
    for assignment in assignments:
        assignment[rng.permutation(locations)[:splits]] = np.arange(splits)
    return assignments


Step = list[tuple[int, int]]
"""Locations and the splits that they go to."""


class _Improvement:
    """Makes the best move or swap again and again until none helps.

    ``error`` is (n_splits, 2 × n_classes), what the splits have beyond what is wanted; ``counts`` (n_splits,
    n_classes), at how many of a split's locations a class occurs.
    """

    def __init__(self, problem: SplitProblem, start: Assignment) -> None:
        splits = range(len(problem.fractions))
        self.shares = problem.shares
        self.present = (problem.crops > 0).astype(np.int64)
        self.assignment = start.copy()
        self.error = np.stack([self.shares[start == split].sum(axis=0) for split in splits]) - problem.wanted
        self.counts = np.stack([self.present[start == split].sum(axis=0) for split in splits])

    def run(self) -> Assignment:
        """The assignment that no single move and no swap makes better."""
        while (step := self._best_move() or self._best_swap()) is not None:
            for location, split in step:
                old = self.assignment[location]
                self.error[old] -= self.shares[location]
                self.error[split] += self.shares[location]
                self.counts[old] -= self.present[location]
                self.counts[split] += self.present[location]
                self.assignment[location] = split
        return self.assignment

    def _best_move(self) -> Step | None:
        """The location and the split that it should move to, or None if no move helps."""
        own = (np.arange(len(self.shares)), self.assignment)
        along = self.shares @ self.error.T  # (n_locations, n_splits)
        change = 2 * (along - along[own][:, None] + (self.shares**2).sum(axis=1)[:, None])
        emptied = (self.present @ (self.counts == 1).T)[own][:, None]
        filled = self.present @ (self.counts == 0).T
        change += ABSENT_CLASS * (emptied - filled)
        change[own] = 0
        is_alone = np.bincount(self.assignment, minlength=len(self.error))[self.assignment] == 1
        change[is_alone] = 0
        location, split = np.unravel_index(np.argmin(change), change.shape)
        return [(int(location), int(split))] if change[location, split] < -TOLERANCE else None

    def _best_swap(self) -> Step | None:
        """Two locations of different splits that should change places, or None if no swap helps."""
        best: tuple[float, Step] = (-TOLERANCE, [])
        for first, split in enumerate(self.assignment):
            others = np.flatnonzero((self.assignment != split) & (np.arange(len(self.assignment)) > first))
            if not len(others):
                continue
            change = self._changes_of_swap(first, others)
            place = int(np.argmin(change))
            if change[place] < best[0]:
                other = int(others[place])
                best = (float(change[place]), [(first, int(self.assignment[other])), (other, int(split))])
        return best[1] or None

    def _changes_of_swap(self, first: int, others: NDArray[np.intp]) -> Floats:
        """(n_others,) what happens to the objective if a location changes places with each of the others."""
        split, splits = self.assignment[first], self.assignment[others]
        gained = self.shares[others] - self.shares[first]  # by the first one's split
        along = (gained * (self.error[split] - self.error[splits])).sum(axis=1)
        moved = self.present[others] - self.present[first]
        before = (self.counts[split] == 0).sum() + (self.counts[splits] == 0).sum(axis=1)
        after = (self.counts[split] + moved == 0).sum(axis=1) + (self.counts[splits] - moved == 0).sum(axis=1)
        return np.asarray(2 * (along + (gained**2).sum(axis=1)) + ABSENT_CLASS * (after - before))
