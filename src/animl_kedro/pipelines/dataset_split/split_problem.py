"""What is to be divided among splits, and how good a division is.

The objective is CameraTraps': for each split and class, twice the squared error of the class's share of crops plus the
squared error of its share of locations.

Source: CameraTraps, classification/create_classification_dataset.py, create_splits_random.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

CROP_WEIGHT = 2.0
LOCATION_WEIGHT = 1.0

FREE = -1
"""The fixed split of a unit that is free to go anywhere."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Assignment = Integers
"""(n_units,) indices of splits."""


@dataclass(frozen=True)
class SplitProblem:
    """What is to be divided: units, each of which is one location or several that stay together.

    ``crops`` is (n_units, n_classes) counts of crops and ``locations`` (n_units, n_classes) counts of the unit's
    locations where the class occurs; ``fractions`` are (n_splits,) wanted fractions that sum to 1. ``fixed`` is
    (n_units,) the split that a unit must be in, or `FREE`; ``closed`` is (n_splits,) which splits take nothing but what
    is fixed to them.
    """

    crops: Integers
    locations: Integers
    fractions: Floats
    fixed: Integers
    closed: NDArray[np.bool_]

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """(n_units, n_classes): whether a unit has crops of a class."""
        return self.crops > 0

    @cached_property
    def shares(self) -> Floats:
        """(n_units, 2 × n_classes): what a unit adds to the shares of crops and of locations of each class.

        Scaled by the square root of the weights, so that the objective is a plain sum of squares.
        """
        parts = ((CROP_WEIGHT, self.crops), (LOCATION_WEIGHT, self.locations))
        return np.hstack([np.sqrt(weight) * counts / np.maximum(counts.sum(axis=0), 1) for weight, counts in parts])

    @cached_property
    def wanted(self) -> Floats:
        """(n_splits, 2 × n_classes): the wanted shares, scaled likewise.

        A closed split has what it is wanted to have; the others divide by their fractions what it leaves them.
        """
        total = self.shares.sum(axis=0)
        if not self.closed.any():
            return np.outer(self.fractions, total)
        got = sums_by_split(self.shares, self.fixed, len(self.fractions))
        return np.where(self.closed[:, None], got, np.outer(self.open_fractions, total - got[self.closed].sum(axis=0)))

    @cached_property
    def open_fractions(self) -> Floats:
        """(n_splits,): the fractions of the splits that are not closed, of all that is left to them; they sum to 1."""
        is_open = np.where(self.closed, 0, self.fractions)
        return np.asarray(is_open / is_open.sum())

    @cached_property
    def free(self) -> Integers:
        """The units that are free to go anywhere."""
        return np.flatnonzero(self.fixed == FREE).astype(np.int64)


def split_problem(
    crops: Integers,
    fractions: Floats,
    *,
    locations: Integers | None = None,
    fixed: Integers | None = None,
    closed: NDArray[np.bool_] | None = None,
) -> SplitProblem:
    """A `SplitProblem`, where nothing else is said of units that are one location each, all free, and open splits."""
    return SplitProblem(
        crops,
        (crops > 0).astype(np.int64) if locations is None else locations,
        fractions,
        np.full(len(crops), FREE) if fixed is None else fixed,
        np.zeros(len(fractions), dtype=bool) if closed is None else closed,
    )


def sums_by_split(values: Floats, assignment: Assignment, splits: int) -> Floats:
    """(n_splits, n_columns): the sums of the rows of ``values``, (n_units, n_columns), of each split."""
    return np.stack([values[assignment == split].sum(axis=0) for split in range(splits)])


def objective(problem: SplitProblem, assignment: Assignment) -> float:
    """How far an assignment is from what is wanted; 0 is perfect."""
    got = sums_by_split(problem.shares, assignment, len(problem.fractions))
    return float(((got - problem.wanted) ** 2).sum())


def largest_deviation(problem: SplitProblem, assignment: Assignment) -> float:
    """By how much the share of a class's crops in a split is farthest from what is wanted, from 0 to 1."""
    got = sums_by_split(problem.shares, assignment, len(problem.fractions))
    of_crops = slice(problem.crops.shape[1])
    return float(np.abs(got - problem.wanted)[:, of_crops].max() / np.sqrt(CROP_WEIGHT))


def classes_absent(problem: SplitProblem, assignment: Assignment) -> int:
    """How many pairs of a class and a split there are where the split has no crop of the class."""
    occupied = [problem.present[assignment == split].any(axis=0) for split in range(len(problem.fractions))]
    return int((~np.stack(occupied) & problem.present.any(axis=0)).sum())


def badness(problem: SplitProblem, assignment: Assignment) -> tuple[int, float]:
    """What the best of several assignments has least of: first absent classes, then the objective."""
    return classes_absent(problem, assignment), objective(problem, assignment)
