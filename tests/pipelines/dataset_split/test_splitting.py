"""Dividing locations among splits."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animl_kedro.errors import InputError
from animl_kedro.pipelines.dataset_split.splitting import (
    SplitProblem,
    assign_locations,
    classes_absent,
    objective,
)

FRACTIONS = np.array([0.6, 0.15, 0.25])


def make_problem(locations: int, classes: int, seed: int = 0) -> SplitProblem:
    rng = np.random.default_rng(seed)
    counts = rng.geometric(0.05, size=(locations, classes)) * (rng.random((locations, classes)) < 0.5)
    counts[np.arange(locations), rng.integers(classes, size=locations)] += 1
    return SplitProblem(counts, FRACTIONS)


def by_definition(problem: SplitProblem, assignment: np.ndarray) -> float:
    """CameraTraps' objective, written out."""
    total = 0.0
    for split, wanted in enumerate(problem.fractions):
        for label in range(problem.crops.shape[1]):
            crops = problem.crops[:, label]
            if not crops.sum():
                continue
            inside = assignment == split
            crop_share = crops[inside].sum() / crops.sum()
            location_share = (crops[inside] > 0).sum() / (crops > 0).sum()
            total += 2 * (crop_share - wanted) ** 2 + (location_share - wanted) ** 2
    return total


def test_objective_equals_its_definition() -> None:
    problem = make_problem(20, 4)
    rng = np.random.default_rng(1)
    for _ in range(20):
        assignment = rng.integers(3, size=20)
        assert objective(problem, assignment) == pytest.approx(by_definition(problem, assignment), abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_assigning_few_locations_reaches_the_best_of_all_assignments(seed: int) -> None:
    problem = make_problem(8, 3, seed)
    every = (np.array(choice) for choice in product(range(3), repeat=8) if len(set(choice)) == 3)
    best = min((classes_absent(problem, assignment), objective(problem, assignment)) for assignment in every)
    found = assign_locations(problem, 500, np.random.default_rng(seed))
    assert (classes_absent(problem, found), objective(problem, found)) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_assigning_rare_classes_brings_them_into_every_split(seed: int) -> None:
    rng = np.random.default_rng(seed)
    crops = make_problem(24, 5, seed).crops
    for rare in (0, 1):
        crops[:, rare] = 0
        crops[rng.choice(24, 3, replace=False), rare] = 5
    problem = SplitProblem(crops, FRACTIONS)
    every_class_at_three_places = np.minimum(3, (crops > 0).sum(axis=0)).sum()
    assert every_class_at_three_places == 15
    assert classes_absent(problem, assign_locations(problem, 500, rng)) == 0


def test_classes_absent_counts_pairs_but_not_classes_that_nobody_has() -> None:
    problem = SplitProblem(np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0]]), FRACTIONS)
    assert classes_absent(problem, np.array([0, 1, 2])) == 1
    assert classes_absent(problem, np.array([0, 0, 1])) == 2


@pytest.mark.parametrize("seed", range(3))
def test_assigning_many_locations_beats_random_tries(seed: int) -> None:
    problem = make_problem(60, 5, seed)
    rng = np.random.default_rng(seed)
    tries = (rng.choice(3, size=60, p=FRACTIONS) for _ in range(2000))
    luck = min(objective(problem, assignment) for assignment in tries)
    assert objective(problem, assign_locations(problem, 200, np.random.default_rng(seed))) < luck


@settings(max_examples=50, deadline=None)
@given(locations=st.integers(3, 25), classes=st.integers(1, 6), seed=st.integers(0, 10_000))
def test_assigning_always_gives_every_split_a_location(locations: int, classes: int, seed: int) -> None:
    assignment = assign_locations(make_problem(locations, classes, seed), 20, np.random.default_rng(seed))
    assert assignment.shape == (locations,)
    assert set(assignment) == {0, 1, 2}


def test_assigning_with_the_same_seed_gives_the_same() -> None:
    problem = make_problem(40, 5)
    first, second = (assign_locations(problem, 100, np.random.default_rng(7)) for _ in range(2))
    assert (first == second).all()


def test_problem_with_fewer_locations_than_splits_is_refused() -> None:
    with pytest.raises(InputError, match="3 splits need 3 locations, got 2"):
        make_problem(2, 3)
