"""What is to be divided, and the objective."""

import numpy as np
import pytest

from animl_kedro.pipelines.dataset_split.split_problem import SplitProblem, classes_absent, objective, split_problem
from split_problems import FRACTIONS, make_problem


def by_definition(problem: SplitProblem, assignment: np.ndarray) -> float:
    """CameraTraps' objective, written out."""
    total = 0.0
    for split, wanted in enumerate(problem.fractions):
        for label in range(problem.crops.shape[1]):
            crops, locations = problem.crops[:, label], problem.locations[:, label]
            if not crops.sum():
                continue
            inside = assignment == split
            crop_share = crops[inside].sum() / crops.sum()
            location_share = locations[inside].sum() / locations.sum()
            total += 2 * (crop_share - wanted) ** 2 + (location_share - wanted) ** 2
    return total


def test_objective_equals_its_definition() -> None:
    rng = np.random.default_rng(1)
    for seed in range(20):
        problem = make_problem(20, 4, seed)
        several = split_problem(problem.crops, FRACTIONS, locations=problem.locations * rng.integers(1, 4, (20, 1)))
        assignment = rng.integers(3, size=20)
        assert objective(problem, assignment) == pytest.approx(by_definition(problem, assignment), abs=1e-12)
        assert objective(several, assignment) == pytest.approx(by_definition(several, assignment), abs=1e-12)


def test_objective_with_a_closed_split_wants_what_it_has_and_divides_the_rest() -> None:
    fixed = np.array([2, -1, -1, -1, -1])
    problem = split_problem(np.full((5, 1), 10), FRACTIONS, fixed=fixed, closed=np.array([False, False, True]))
    assert problem.open_fractions == pytest.approx([0.8, 0.2, 0])
    got = np.array([2, 0, 0, 0, 1])  # of the four that are left, 3 are 75 % and 1 is 25 %
    assert objective(problem, got) == pytest.approx(2 * (2 + 1) * (0.04 * 1.0) ** 2)


def test_classes_absent_counts_pairs_but_not_classes_that_nobody_has() -> None:
    problem = split_problem(np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0]]), FRACTIONS)
    assert classes_absent(problem, np.array([0, 1, 2])) == 1
    assert classes_absent(problem, np.array([0, 0, 1])) == 2
