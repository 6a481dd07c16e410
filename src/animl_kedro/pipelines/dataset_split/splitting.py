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


def assign_locations(problem: SplitProblem, tries: int, rng: np.random.Generator) -> Assignment:
    """Divide the locations: (n_locations,) indices of splits, each split with one location at the least."""
    shares, wanted = problem.shares, problem.wanted
    starts = _random_assignments(problem, tries, rng)
    one_hot = (starts[:, None, :] == np.arange(len(wanted))[:, None]).astype(float)
    scores = ((one_hot @ shares - wanted) ** 2).sum(axis=(1, 2))
    best_starts = starts[np.argsort(scores, kind="stable")[:STARTS]]
    improved = [_improve(start, shares, wanted) for start in best_starts]
    return min(improved, key=lambda assignment: objective(problem, assignment))


def _random_assignments(problem: SplitProblem, tries: int, rng: np.random.Generator) -> Assignment:
    """(tries, n_locations) random assignments by the fractions, with no split left empty."""
    locations, splits = len(problem.crops), len(problem.fractions)
    assignments = rng.choice(splits, size=(tries, locations), p=problem.fractions)
    for assignment in assignments:
        assignment[rng.permutation(locations)[:splits]] = np.arange(splits)
    return assignments


def _improve(start: Assignment, shares: Floats, wanted: Floats) -> Assignment:
    """Make the best move or swap again and again until none makes the objective smaller."""
    assignment = start.copy()
    error = np.stack([shares[assignment == split].sum(axis=0) for split in range(len(wanted))]) - wanted
    while (step := _best_move(assignment, shares, error) or _best_swap(assignment, shares, error)) is not None:
        for location, split in step:
            error[assignment[location]] -= shares[location]
            error[split] += shares[location]
            assignment[location] = split
    return assignment


TOLERANCE = 1e-12
"""Smaller gains are rounding errors, and following them need not end."""

Step = list[tuple[int, int]]


def _best_move(assignment: Assignment, shares: Floats, error: Floats) -> Step | None:
    """The location and the split that it should move to, or None if no move helps."""
    squares = (shares**2).sum(axis=1)
    along = shares @ error.T  # (n_locations, n_splits)
    own = along[np.arange(len(shares)), assignment]
    gain = 2 * (along - own[:, None] + squares[:, None])  # the change of the objective
    gain[np.arange(len(shares)), assignment] = 0
    alone = np.bincount(assignment, minlength=len(error))[assignment] == 1
    gain[alone] = 0
    location, split = np.unravel_index(np.argmin(gain), gain.shape)
    return [(int(location), int(split))] if gain[location, split] < -TOLERANCE else None


def _best_swap(assignment: Assignment, shares: Floats, error: Floats) -> Step | None:
    """Two locations of different splits that should change places, or None if no swap helps."""
    best: tuple[float, Step] = (-TOLERANCE, [])
    for first, split in enumerate(assignment):
        others = np.flatnonzero((assignment != split) & (np.arange(len(assignment)) > first))
        if not len(others):
            continue
        step = shares[others] - shares[first]  # what the first one's split gets
        towards = (step * (error[split] - error[assignment[others]])).sum(axis=1)
        change = 2 * (towards + (step**2).sum(axis=1))
        place = int(np.argmin(change))
        if change[place] < best[0]:
            other = int(others[place])
            best = (float(change[place]), [(first, int(assignment[other])), (other, int(split))])
    return best[1] or None
