"""Intervals: how often they hold the true value, and where there is none."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from animl_kedro.average_precision import MEANS
from animl_kedro.pipelines.reporting.bootstrap import (
    DIFFERENCE,
    Resampling,
    bootstrap_accuracy,
    interval,
    percentile_interval,
)
from animl_kedro.pipelines.reporting.measuring import measure
from animl_kedro.pipelines.reporting.scores import ClassScores
from reporting_factories import PARAMS, make_crops, make_predictions, without

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "intervals.py"
ENDS = ["low", "high", "image_low", "image_high"]


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    """The simulation that docs/reporting.md has its figures from."""
    spec = importlib.util.spec_from_file_location("intervals_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_intervals_over_locations_hold_the_true_value_and_those_over_images_do_not(simulation: ModuleType) -> None:
    true = simulation.true_values(worlds=2)
    held = [simulation.holds(seed, locations=30, rounds=200, true=true) for seed in range(0, 100, 5)]
    over_locations, over_images = np.nanmean(held, axis=(0, 2))
    assert 0.9 < over_locations < 0.99
    assert over_images < 0.75


def test_interval_of_a_mean_of_many_like_units_is_that_of_the_normal_distribution() -> None:
    rng = np.random.default_rng(0)
    right = rng.random(400) < 0.5
    scores = ClassScores(["a", "b"], right.astype(np.intp), np.tile([0.4, 0.6], (400, 1)))
    resampling = Resampling(np.arange(400), rounds=2000, seed=0)
    share = right.mean()
    low, high = interval(share, bootstrap_accuracy(scores, resampling), resampling, 400, 0.95)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / 400), rel=0.06)
    assert (low + high) / 2 == pytest.approx(share, abs=0.002)


def test_interval_with_one_heavy_unit_is_wider_than_its_rounds() -> None:
    unit = np.repeat(np.arange(10), [300, *[10] * 9])
    right = np.random.default_rng(0).random(390) < np.where(unit == 0, 0.9, 0.5)
    scores = ClassScores(["a", "b"], right.astype(np.intp), np.tile([0.4, 0.6], (390, 1)))
    resampling = Resampling(unit, rounds=500, seed=0)
    values = bootstrap_accuracy(scores, resampling)
    low, high = interval(right.mean(), values, resampling, 10, 0.95)
    plain_low, plain_high = percentile_interval(values, resampling, 0.95)
    assert low < plain_low
    assert high > plain_high
    assert 0 <= low < right.mean() < high <= 1


def test_interval_of_a_higher_confidence_is_wider_and_holds_the_estimate() -> None:
    resampling = Resampling(np.arange(20), rounds=300, seed=0)
    values = 0.97 + 0.05 * (resampling.multiplicities @ np.linspace(-0.5, 0.5, 20)) / 20
    ends = [interval(0.97, values, resampling, 20, level) for level in (0.5, 0.9, 0.99)]
    lows, highs = zip(*ends, strict=True)
    assert lows[0] > lows[1] > lows[2]
    assert 0.97 < highs[0] < highs[1] < highs[2] <= 1


def test_interval_of_a_difference_is_symmetric_and_may_be_negative() -> None:
    resampling = Resampling(np.arange(20), rounds=300, seed=0)
    values = resampling.multiplicities @ np.linspace(-0.5, 0.5, 20) / 20 - 0.1
    low, high = interval(-0.1, values, resampling, 20, 0.95, DIFFERENCE)
    assert low + high == pytest.approx(-0.2)
    assert low < -0.1 < high


@pytest.mark.parametrize(("units", "low"), [(3, 0.292), (30, 0.884)])
def test_interval_without_a_mistake_is_as_long_as_so_many_locations_allow(units: int, low: float) -> None:
    resampling = Resampling(np.arange(units), rounds=20, seed=0)
    values = np.ones(20 + units)
    assert interval(1.0, values, resampling, units, 0.95) == pytest.approx((low, 1.0), abs=5e-4)
    assert interval(0.0, values * 0, resampling, units, 0.95) == pytest.approx((0.0, 1 - low), abs=5e-4)
    assert interval(0.0, values * 0, resampling, units, 0.95, DIFFERENCE) == (0.0, 0.0)


@pytest.mark.parametrize(("estimate", "units"), [(np.nan, 5), (0.5, 1)])
def test_interval_without_an_estimate_or_with_one_unit_is_missing(estimate: float, units: int) -> None:
    resampling = Resampling(np.arange(5), rounds=100, seed=0)
    values = resampling.multiplicities @ np.full(5, 0.1)
    assert np.isnan(interval(estimate, values, resampling, units, 0.95)).all()


def test_interval_of_one_location_is_missing_and_its_class_unreliable() -> None:
    predictions = make_predictions(crops=60, locations=3)  # one of each split
    table = measure(predictions, make_crops(predictions), PARAMS).query("split == 'test'")
    assert table[["low", "high"]].isna().all(axis=None)
    assert table[["image_low", "image_high"]].notna().all(axis=None)
    assert not table["reliable"].any()


def test_measured_intervals_hold_what_is_measured_and_differ_by_seed() -> None:
    predictions = make_predictions(skill=0.8, crops=540, locations=27)
    crops = make_crops(predictions)
    table = measure(predictions, crops, PARAMS)
    assert ((table["low"] < table["average_precision"]) & (table["average_precision"] < table["high"])).all()
    assert table["reliable"].all()
    other = measure(predictions, crops, PARAMS.model_copy(update={"seed": 1}))
    assert (other[ENDS[2:]] != table[ENDS[2:]]).all(axis=None)
    assert other["average_precision"].equals(table["average_precision"])


def test_measured_interval_of_a_missing_class_is_missing_and_means_have_one() -> None:
    predictions = without(make_predictions(), "test", "fox")
    test = measure(predictions, make_crops(predictions), PARAMS).query("split == 'test'").set_index("label")
    assert test.loc[["fox"], ENDS].isna().all(axis=None)
    assert test.loc[list(MEANS), ENDS].notna().all(axis=None)


def test_class_at_two_locations_has_an_interval_but_is_marked() -> None:
    predictions = make_predictions(crops=108, locations=9)
    at_third = predictions["crop_id"].str.contains("place-8")
    predictions = predictions[~(at_third & (predictions["label"] == "fox"))].reset_index(drop=True)
    test = measure(predictions, make_crops(predictions), PARAMS).query("split == 'test'").set_index("label")
    assert test["locations"].to_dict()["fox"] == 2
    assert test["reliable"].to_dict() == {label: label != "fox" for label in test.index}
