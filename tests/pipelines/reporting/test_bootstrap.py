"""Draws of whole units: what a round measures is what the metric measures of the crops drawn."""

import numpy as np
import pytest
from numpy.typing import NDArray

from animl_kedro.average_precision import MEANS, average_precisions, mean_average_precisions
from animl_kedro.pipelines.reporting import bootstrap
from animl_kedro.pipelines.reporting.bootstrap import (
    Resampling,
    bootstrap_accuracy,
    bootstrap_average_precision,
)
from animl_kedro.pipelines.reporting.scores import ClassScores


def make_scores(crops: int, classes: int, units: int, seed: int = 0) -> tuple[ClassScores, NDArray[np.intp]]:
    """Scores with an effect of the unit, and the unit of every crop."""
    rng = np.random.default_rng(seed)
    unit = np.append(np.arange(units), rng.integers(units, size=crops - units))
    truth = rng.integers(classes, size=crops)
    logits = rng.normal(size=(crops, classes)) + rng.normal(size=(units, classes))[unit]
    logits[np.arange(crops), truth] += 2
    odds = np.exp(logits)
    return ClassScores([str(label) for label in range(classes)], truth, odds / odds.sum(axis=1, keepdims=True)), unit


def measured_again(scores: ClassScores, drawn: NDArray[np.intp]) -> list[float]:
    """Every class's average precision, and the means, of these crops."""
    is_positive, probabilities = scores.is_positive[drawn], scores.probabilities[drawn]
    means = mean_average_precisions(is_positive, probabilities)
    return [*average_precisions(is_positive, probabilities), *(means[mean] for mean in MEANS)]


def drawn_in(resampling: Resampling, number: int) -> NDArray[np.intp]:
    """The crops that are drawn in a round, each as often as it is."""
    times = resampling.multiplicities[number][resampling.group].astype(int)
    return np.repeat(np.arange(len(times)), times)


@pytest.mark.parametrize("decimals", [1, 17], ids=["ties", "distinct"])
def test_rounds_of_few_crops_are_the_average_precision_of_what_is_drawn(decimals: int) -> None:
    scores, unit = make_scores(200, classes=4, units=9)
    scores = ClassScores(scores.labels, scores.truth, scores.probabilities.round(decimals))
    resampling = Resampling(unit, rounds=40, seed=3)
    (rounds,) = bootstrap_average_precision(scores, resampling)
    for number in range(40 + 9):
        again = measured_again(scores, drawn_in(resampling, number))
        np.testing.assert_allclose(rounds[number], again, atol=1e-12)


def test_rounds_in_which_a_class_is_not_drawn_have_no_value_and_are_left_out_of_means() -> None:
    scores, unit = make_scores(60, classes=3, units=4, seed=1)
    truth = np.where(unit == 0, scores.truth, scores.truth.clip(max=1))  # the last class is at one place only
    scores = ClassScores(scores.labels, truth, scores.probabilities)
    resampling = Resampling(unit, rounds=40, seed=0, leaving_out=False)
    (rounds,) = bootstrap_average_precision(scores, resampling)
    absent = resampling.multiplicities[:, 0] == 0
    assert 0 < absent.sum() < 40
    np.testing.assert_array_equal(np.isnan(rounds[:, 2]), absent)
    for number in range(40):
        again = measured_again(scores, drawn_in(resampling, number))
        np.testing.assert_allclose(rounds[number], again, atol=1e-12)


def test_rounds_of_many_thresholds_are_within_a_fiftieth_of_their_own_spread() -> None:
    scores, unit = make_scores(30_000, classes=3, units=300)
    assert scores.is_positive.sum(axis=0).min() > bootstrap.EXACT_THRESHOLDS
    resampling = Resampling(unit, rounds=30, seed=0, leaving_out=False)
    (rounds,) = bootstrap_average_precision(scores, resampling)
    again = np.array([measured_again(scores, drawn_in(resampling, number)) for number in range(30)])
    assert np.abs(rounds - again).max() < 0.02 * rounds.std(axis=0).min()


def test_rounds_of_a_perfect_ranking_are_all_one() -> None:
    truth = np.repeat([0, 1], 3000)
    scores = ClassScores(["a", "b"], truth, np.eye(2)[truth] * 0.8 + 0.1)
    (rounds,) = bootstrap_average_precision(scores, Resampling(np.arange(6000) % 20, rounds=20, seed=0))
    assert (rounds == 1).all()


def test_rounds_do_not_depend_on_the_order_of_crops() -> None:
    scores, unit = make_scores(9000, classes=2, units=12)
    order = np.random.default_rng(5).permutation(9000)
    turned = ClassScores(scores.labels, scores.truth[order], scores.probabilities[order])
    rounds, rounds_turned = (
        bootstrap_average_precision(some, Resampling(units, rounds=10, seed=0))[0]
        for some, units in ((scores, unit), (turned, unit[order]))
    )
    np.testing.assert_array_equal(rounds, rounds_turned)


def test_rounds_of_accuracy_are_the_share_of_what_is_drawn() -> None:
    scores, unit = make_scores(100, classes=3, units=7)
    resampling = Resampling(unit, rounds=20, seed=0)
    accuracy = bootstrap_accuracy(scores, resampling)
    right = scores.predicted == scores.truth
    for number in range(20):
        assert accuracy[number] == pytest.approx(right[drawn_in(resampling, number)].mean())


def test_draws_have_as_many_units_as_there_are_and_differ_by_seed() -> None:
    unit = np.arange(50) // 2
    first, again, other = (Resampling(unit, rounds=30, seed=seed).multiplicities for seed in (1, 1, 2))
    assert first.shape == (30 + 25, 25)
    assert (first[:30].sum(axis=1) == 25).all()
    np.testing.assert_array_equal(first[30:], 1 - np.eye(25))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_draws_of_many_units_are_of_random_groups_with_the_same_spread() -> None:
    units = 4 * bootstrap.MOST_UNITS
    resampling = Resampling(np.arange(units), rounds=1000, seed=0, leaving_out=False)
    sizes = np.bincount(resampling.group)
    assert len(sizes) == bootstrap.MOST_UNITS
    assert set(sizes) == {4}
    amounts = np.random.default_rng(0).exponential(size=units)
    spread = resampling.totals(amounts).std()
    assert spread == pytest.approx(amounts.std() * np.sqrt(units), rel=0.1)
