"""The ways to divide that are not a search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animl_kedro.pipelines.dataset_split.methods import smallest_first, stratified_group
from animl_kedro.pipelines.dataset_split.split_problem import Assignment, SplitProblem, classes_absent, split_problem
from split_problems import FRACTIONS, make_problem


def by(method: str, problem: SplitProblem) -> Assignment:
    return smallest_first(problem) if method == "smallest_first" else stratified_group(problem, 0)


def test_smallest_first_serves_the_rarest_class_from_its_smallest_units_up() -> None:
    rare = [1, 2, 3, 4, 10]  # of 20 crops: 5 are the test's, 3 the validation's
    crops = np.array([[0, 50]] * 10 + [[count, 0] for count in rare])
    problem = split_problem(crops, FRACTIONS)
    assignment = smallest_first(problem)
    assert assignment[10:].tolist() == [2, 2, 2, 1, 0]
    assert np.bincount(assignment[:10]).tolist() == [5, 2, 3]


def test_smallest_first_keeps_the_last_units_of_a_class_for_splits_that_lack_it() -> None:
    problem = split_problem(np.array([[1, 1], [1, 5], [1, 5], [0, 5], [0, 5]]), FRACTIONS)
    assert sorted(smallest_first(problem)[:3].tolist()) == [0, 1, 2]


@pytest.mark.parametrize("seed", range(10))
def test_smallest_first_gives_the_rarest_class_what_is_wanted_or_one_unit_more(seed: int) -> None:
    problem = make_problem(200, 4, seed)
    assignment = smallest_first(problem)
    rarest = problem.crops[:, problem.crops.sum(axis=0).argmin()]
    for split in (1, 2):
        over = rarest[assignment == split].sum() - FRACTIONS[split] * rarest.sum()
        assert 0 <= over < rarest[assignment == split].max()
    assert classes_absent(problem, assignment) == 0


@pytest.mark.parametrize("fractions", [(0.7, 0.15, 0.15), (0.6, 0.15, 0.25), (0.5, 0.25, 0.25), (0.9, 0.05, 0.05)])
def test_stratified_group_comes_close_to_the_fractions(fractions: tuple[float, ...]) -> None:
    problem = make_problem(300, 4, 1, np.array(fractions))
    assignment = stratified_group(problem, 0)
    got = np.array([problem.crops[assignment == split].sum() for split in range(3)]) / problem.crops.sum()
    assert np.abs(got - fractions).max() < 0.03


@settings(max_examples=40, deadline=None)
@given(
    method=st.sampled_from(["smallest_first", "stratified_group"]),
    units=st.integers(6, 40),
    classes=st.integers(1, 6),
    seed=st.integers(0, 10_000),
    is_fixed=st.booleans(),
)
def test_methods_fill_every_split_and_leave_what_is_fixed(
    method: str, units: int, classes: int, seed: int, is_fixed: bool
) -> None:
    crops = make_problem(units, classes, seed).crops
    fixed = np.full(units, -1)
    closed = np.array([False, False, is_fixed])
    if is_fixed:
        fixed[: units // 3] = 2
    assignment = by(method, split_problem(crops, FRACTIONS, fixed=fixed, closed=closed))
    assert set(assignment) == {0, 1, 2}
    assert not is_fixed or set(np.flatnonzero(assignment == 2)) == set(range(units // 3))


@pytest.mark.parametrize("method", ["smallest_first", "stratified_group"])
@pytest.mark.parametrize(
    "crops", [np.eye(3, dtype=np.int64), np.ones((3, 1), dtype=np.int64), np.diag([1, 9, 99, 999])]
)
def test_methods_with_hardly_more_units_than_splits_fill_every_split(method: str, crops: np.ndarray) -> None:
    assert set(by(method, split_problem(crops, FRACTIONS))) == {0, 1, 2}
