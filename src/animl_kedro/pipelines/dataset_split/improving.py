"""Makes an assignment better by moving units to other splits and by swapping two, until nothing helps.

For each unit, the best of its moves and of its swaps with every other unit is made if it helps. With the products of
all pairs of units at hand, this is a handful of operations on vectors of n_units: a round over 5,000 units takes half a
second, where the swaps of all pairs, class by class, would take minutes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from animl_kedro.pipelines.dataset_split.split_problem import (
    CROP_WEIGHT,
    LOCATION_WEIGHT,
    Assignment,
    Floats,
    Integers,
    SplitProblem,
    sums_by_split,
)

PAIRED_UNITS = 6000
"""Up to so many free units every swap is tried; the products of their pairs are 288 MB."""

SAMPLED_PARTNERS = 256
"""With how many others a unit's swaps are tried where there are more units."""

TOLERANCE = 1e-9
"""Smaller gains are rounding errors, and following them need not end."""


@dataclass(frozen=True)
class Products:
    """The shares of the free units, (n_free, n_columns), and the products of their pairs where these are few enough."""

    shares: Floats
    squares: Floats
    pairs: Floats | None

    @classmethod
    def of(cls, problem: SplitProblem) -> "Products":
        """Calculate them once for all starts."""
        shares = problem.shares[problem.free]
        pairs = shares @ shares.T if len(shares) <= PAIRED_UNITS else None
        return cls(shares, (shares**2).sum(axis=1), pairs)

    def of_unit(self, unit: int, others: Integers | slice) -> Floats:
        """(n_others,): the products of a unit with others."""
        return self.shares[others] @ self.shares[unit] if self.pairs is None else self.pairs[unit, others]


class Improvement:
    """One assignment on its way to a better one. Units are counted among the free ones.

    ``along`` is (n_splits, n_free), the product of each unit's shares with what each split has beyond what is wanted.
    ``carriers`` is (n_splits, n_classes), how many units of a split have a class. From it follow ``lost``, (n_free,),
    how many classes would be absent from its split if a unit left, and ``brought``, (n_splits, n_free), how many
    classes that are absent from a split a unit would bring.
    """

    def __init__(self, problem: SplitProblem, products: Products, start: Assignment, rng: np.random.Generator) -> None:
        splits = len(problem.fractions)
        self.problem, self.products, self.rng = problem, products, rng
        self.splits = start[problem.free]
        self.present = np.ascontiguousarray(problem.present[problem.free].T.astype(float))  # (n_classes, n_free)
        self.sizes = np.bincount(start, minlength=splits)
        self.carriers = sums_by_split(problem.present.astype(float), start, splits)
        self.lost = ((self.carriers == 1)[self.splits] * self.present.T).sum(axis=1)
        self.brought = (self.carriers == 0) @ self.present
        # more than all else together, so that an absent class is never accepted for a better objective
        self.penalty = 1 + (CROP_WEIGHT + LOCATION_WEIGHT) * self.carriers.size
        self.along = self._along()

    def run(self) -> Assignment:
        """The assignment that no move and no swap makes better."""
        helped = 1
        while helped:
            self.along = self._along()  # afresh, so that rounding errors do not add up
            helped = sum(self._improve(unit) for unit in self.rng.permutation(len(self.splits)))
        return self._assignment()

    def _assignment(self) -> Assignment:
        assignment = self.problem.fixed.copy()
        assignment[self.problem.free] = self.splits
        return assignment

    def _along(self) -> Floats:
        got = sums_by_split(self.problem.shares, self._assignment(), len(self.problem.fractions))
        return np.asarray((got - self.problem.wanted) @ self.products.shares.T)

    def _improve(self, unit: int) -> bool:
        """Make the best move or swap of a unit, if one helps."""
        old = int(self.splits[unit])
        moves = self._changes_of_moves(unit)
        to = int(np.argmin(moves))
        partners, swaps = self._changes_of_swaps(unit)
        best = int(np.argmin(swaps))
        if min(moves[to], swaps[best]) >= -TOLERANCE:
            return False
        if moves[to] <= swaps[best]:
            self._move(unit, to)
        else:
            partner = best if isinstance(partners, slice) else int(partners[best])
            self._move(unit, int(self.splits[partner]))
            self._move(partner, old)
        return True

    def _changes_of_moves(self, unit: int) -> Floats:
        """(n_splits,): what happens to the objective if a unit moves to each of the splits."""
        old = self.splits[unit]
        change = 2 * (self.along[:, unit] - self.along[old, unit] + self.products.squares[unit])
        change += self.penalty * (self.lost[unit] - self.brought[:, unit])
        change[self.problem.closed] = np.inf
        change[old] = np.inf
        return change if self.sizes[old] > 1 else np.full_like(change, np.inf)

    def _changes_of_swaps(self, unit: int) -> tuple[Integers | slice, Floats]:
        """Some or all other units, and what happens to the objective if a unit changes places with each of them."""
        old, others = self.splits[unit], self._partners()
        splits, along = self.splits[others], self.along[:, others]
        own = np.take_along_axis(along, splits[None], axis=0)[0]
        change = along[old] - own + self.along[:, unit][splits] - self.along[old, unit]
        change += self.products.squares[others] - 2 * self.products.of_unit(unit, others)
        change = 2 * (change + self.products.squares[unit])
        if self.lost.any() or self.brought.any():
            change += self.penalty * self._absences_of_swaps(unit, others)
        change[splits == old] = np.inf
        return others, change

    def _partners(self) -> Integers | slice:
        units = len(self.splits)
        if self.products.pairs is not None:
            return slice(None)
        return self.rng.choice(units, size=SAMPLED_PARTNERS, replace=False)

    def _absences_of_swaps(self, unit: int, others: Integers | slice) -> Floats:
        """(n_others,): how many more pairs of class and split are without a crop if a unit changes places with each.

        What one leaves behind is no loss where the other brings it.
        """
        old, splits = self.splits[unit], self.splits[others]
        lost = self.lost[unit] + self.lost[others] - self.brought[old, others] - self.brought[:, unit][splits]
        is_single = (self.carriers == 1) & (self.present[:, unit] > 0)  # (n_splits, n_classes)
        for split in np.flatnonzero(is_single.any(axis=1)):
            made_good = self.present[is_single[split]][:, others].sum(axis=0)
            lost = lost - made_good * (1 if split == old else splits == split)
        return np.asarray(lost)

    def _move(self, unit: int, to: int) -> None:
        old = int(self.splits[unit])
        product = self.products.of_unit(unit, slice(None))
        self.along[old] -= product
        self.along[to] += product
        self.sizes[[old, to]] += (-1, 1)
        self.splits[unit] = to
        classes = np.flatnonzero(self.present[:, unit])
        self._count(old, classes, -1)
        self._count(to, classes, 1)
        self.lost[unit] = (self.carriers[to, classes] == 1).sum()

    def _count(self, split: int, classes: NDArray[np.intp], by: int) -> None:
        """A split has one carrier more or less of some classes: keep ``lost`` and ``brought`` in step."""
        before = self.carriers[split, classes]
        after = before + by
        self.carriers[split, classes] = after
        self.brought[split] += self._carried(classes, (after == 0).astype(float) - (before == 0))
        single = self._carried(classes, (after == 1).astype(float) - (before == 1))
        self.lost += single * (self.splits == split)

    def _carried(self, classes: NDArray[np.intp], values: Floats) -> Floats | float:
        """(n_free,): the sum of the values, (n_classes,), of those classes that a unit has; 0 where all are 0."""
        counts = values != 0
        return np.asarray(values[counts] @ self.present[classes[counts]]) if counts.any() else 0.0
