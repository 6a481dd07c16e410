"""Problems of dividing units among splits, for the tests of the methods."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from animl_kedro.pipelines.dataset_split.split_problem import Assignment, SplitProblem, split_problem

FRACTIONS = np.array([0.6, 0.15, 0.25])


def make_problem(units: int, classes: int, seed: int = 0, fractions: np.ndarray = FRACTIONS) -> SplitProblem:
    """Units with crops of some of the classes, few of most and many of some; each has one class at the least."""
    rng = np.random.default_rng(seed)
    counts = rng.geometric(0.05, size=(units, classes)) * (rng.random((units, classes)) < 0.5)
    counts[np.arange(units), rng.integers(classes, size=units)] += 1
    return split_problem(counts, fractions)


def every_assignment(problem: SplitProblem) -> Iterator[Assignment]:
    """All that keep what is fixed, put nothing into closed splits, and leave no split empty."""
    splits = range(len(problem.fractions))
    for choice in product([split for split in splits if not problem.closed[split]], repeat=len(problem.free)):
        assignment = problem.fixed.copy()
        assignment[problem.free] = choice
        if len(set(assignment.tolist())) == len(splits):
            yield assignment
