"""The assignment closest to what is wanted."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animl_kedro.pipelines.dataset_split import improving, searching
from animl_kedro.pipelines.dataset_split.improving import Improvement, Products
from animl_kedro.pipelines.dataset_split.searching import search
from animl_kedro.pipelines.dataset_split.split_problem import (
    Assignment,
    SplitProblem,
    badness,
    classes_absent,
    objective,
    split_problem,
)
from split_problems import FRACTIONS, every_assignment, make_problem


def found(problem: SplitProblem, tries: int = 300, seed: int = 0) -> Assignment:
    return search(problem, tries, np.random.default_rng(seed)).assignment


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("units", [3, 5, 8])
def test_searching_few_units_reaches_the_best_of_all_assignments(units: int, seed: int) -> None:
    problem = make_problem(units, 3, seed)
    best = min(badness(problem, assignment) for assignment in every_assignment(problem))
    assert badness(problem, found(problem)) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_searching_ten_units_tries_every_assignment(seed: int) -> None:
    problem = make_problem(10, 3, seed)
    outcome = search(problem, 1, np.random.default_rng(0))
    assert outcome.best_random_try is None
    best = min(badness(problem, assignment) for assignment in every_assignment(problem))
    assert badness(problem, outcome.assignment) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_searching_folds_of_few_units_reaches_the_best_of_all_assignments(seed: int) -> None:
    problem = make_problem(7, 2, seed, np.full(4, 0.25))
    best = min(badness(problem, assignment) for assignment in every_assignment(problem))
    assert badness(problem, found(problem)) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_searching_beside_settled_units_reaches_the_best_and_leaves_them(seed: int) -> None:
    crops = make_problem(10, 3, seed).crops
    fixed = np.array([0, 2, -1, -1, 2, -1, -1, 0, -1, -1])
    for closed in ([False, False, False], [False, False, True]):
        problem = split_problem(crops, FRACTIONS, fixed=fixed, closed=np.array(closed))
        best = min(badness(problem, assignment) for assignment in every_assignment(problem))
        assignment = found(problem)
        assert badness(problem, assignment) == pytest.approx(best, abs=1e-9)
        assert (assignment[fixed >= 0] == fixed[fixed >= 0]).all()
        assert not closed[2] or set(np.flatnonzero(assignment == 2)) == {1, 4}


@pytest.mark.parametrize("seed", range(10))
def test_improving_random_tries_reaches_the_best_of_few_units_too(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make_problem(9, 3, seed)
    best = found(problem)
    monkeypatch.setattr(searching, "MAX_ENUMERATED", 0)
    assert badness(problem, found(problem)) == pytest.approx(badness(problem, best), abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_searching_brings_rare_classes_into_every_split(seed: int) -> None:
    rng = np.random.default_rng(seed)
    crops = make_problem(24, 5, seed).crops
    for rare in (0, 1):
        crops[:, rare] = 0
        crops[rng.choice(24, 3, replace=False), rare] = 5
    problem = split_problem(crops, FRACTIONS)
    assert classes_absent(problem, found(problem, 500, seed)) == 0


@pytest.mark.parametrize("seed", range(3))
def test_searching_many_units_beats_random_tries(seed: int) -> None:
    problem = make_problem(60, 5, seed)
    rng = np.random.default_rng(seed)
    luck = min(objective(problem, rng.choice(3, size=60, p=FRACTIONS)) for _ in range(2000))
    outcome = search(problem, 200, rng)
    assert objective(problem, outcome.assignment) < 0.5 * luck
    assert outcome.best_random_try is not None
    assert objective(problem, outcome.assignment) < 0.5 * outcome.best_random_try


def one_step_away(problem: SplitProblem, assignment: Assignment) -> list[Assignment]:
    """What single moves and swaps of free units make of an assignment."""
    steps = []
    for unit in problem.free:
        for split in np.flatnonzero(~problem.closed):
            steps.append(assignment.copy())
            steps[-1][unit] = split
        for other in problem.free:
            steps.append(assignment.copy())
            steps[-1][[unit, other]] = assignment[[other, unit]]
    return [step for step in steps if len(set(step.tolist())) == len(problem.fractions)]


@settings(max_examples=40, deadline=None)
@given(units=st.integers(4, 14), classes=st.integers(1, 5), seed=st.integers(0, 10_000), settled=st.integers(0, 3))
def test_improving_ends_where_no_move_and_no_swap_helps(units: int, classes: int, seed: int, settled: int) -> None:
    rng = np.random.default_rng(seed)
    crops = make_problem(units, classes, seed).crops
    fixed = np.full(units, -1)
    fixed[:settled] = rng.integers(3, size=settled)
    problem = split_problem(crops, FRACTIONS, fixed=fixed, closed=np.array([False, False, 2 in fixed]))
    start = next(step for step in _random_assignments(problem, rng) if len(set(step.tolist())) == 3)
    improvement = Improvement(problem, Products.of(problem), start, rng)
    assignment = improvement.run()
    best = min(badness(problem, step) for step in one_step_away(problem, assignment))
    absent, distance = badness(problem, assignment)
    assert absent <= best[0]
    assert absent < best[0] or distance <= best[1] + 1e-8


def _random_assignments(problem: SplitProblem, rng: np.random.Generator) -> Iterator[Assignment]:
    while True:
        assignment = problem.fixed.copy()
        assignment[problem.free] = rng.choice(np.flatnonzero(~problem.closed), size=len(problem.free))
        yield assignment


@settings(max_examples=30, deadline=None)
@given(units=st.integers(3, 30), classes=st.integers(1, 6), seed=st.integers(0, 10_000))
def test_searching_always_gives_every_split_a_unit(units: int, classes: int, seed: int) -> None:
    assignment = found(make_problem(units, classes, seed), 20, seed)
    assert assignment.shape == (units,)
    assert set(assignment) == {0, 1, 2}


def test_searching_more_units_than_can_be_paired_samples_their_swaps(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make_problem(80, 4)
    exact = objective(problem, found(problem))
    monkeypatch.setattr(improving, "PAIRED_UNITS", 79)
    monkeypatch.setattr(improving, "SAMPLED_PARTNERS", 20)
    sampled = search(problem, 300, np.random.default_rng(0))
    assert sampled.best_random_try is not None
    assert objective(problem, sampled.assignment) < 0.5 * sampled.best_random_try
    assert objective(problem, sampled.assignment) < 10 * exact


def test_searching_with_the_same_seed_gives_the_same() -> None:
    problem = make_problem(40, 5)
    assert (found(problem, 100, 7) == found(problem, 100, 7)).all()


def test_searching_with_everything_settled_gives_it_back() -> None:
    fixed = np.array([0, 1, 2, 0])
    problem = split_problem(make_problem(4, 2).crops, FRACTIONS, fixed=fixed)
    assert (found(problem) == fixed).all()


@pytest.mark.parametrize("new", [1, 2, 30])
def test_searching_new_units_counts_what_is_settled(new: int) -> None:
    """All that was there is in train: what is new goes to val and test first."""
    fixed = np.array([0] * 30 + [-1] * new + [1, 2])
    problem = split_problem(np.full((32 + new, 1), 10), FRACTIONS, fixed=fixed)
    assert 0 not in found(problem)[30:] or new == 30
