"""Calibration by a temperature."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss as reference_log_loss

from animl_kedro.classifier.temperature import COLDEST, HOTTEST, fit_temperature, log_loss, probabilities_of

Sample = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def simulate(crops: int, classes: int, temperature: float, seed: int = 0) -> Sample:
    """Logits that are `temperature` times too sure, and targets drawn by the right probabilities."""
    rng = np.random.default_rng(seed)
    right = rng.normal(0, 2, size=(crops, classes))
    targets = np.array([rng.choice(classes, p=row) for row in probabilities_of(right, 1.0)])
    return (right * temperature).astype(np.float32), targets


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_of_simulated_logits_is_the_one_they_were_made_with(temperature: float) -> None:
    logits, targets = simulate(4000, 4, temperature)
    assert fit_temperature(logits, targets).temperature == pytest.approx(temperature, rel=0.08)


def test_calibration_improves_the_log_loss_on_other_crops_where_logits_are_too_sure() -> None:
    calibration = fit_temperature(*simulate(300, 5, temperature=3.0))
    logits, targets = simulate(1000, 5, temperature=3.0, seed=1)
    assert log_loss(logits, targets, calibration.temperature) < log_loss(logits, targets) - 0.3
    assert calibration.remark is None


@settings(deadline=None, max_examples=25)
@given(crops=st.integers(5, 60), classes=st.integers(2, 6), scale=st.floats(0.2, 5), seed=st.integers(0, 1000))
def test_no_other_temperature_has_a_lower_log_loss(crops: int, classes: int, scale: float, seed: int) -> None:
    logits, targets = simulate(crops, classes, scale, seed)
    calibration = fit_temperature(logits, targets)
    if calibration.remark is None:
        others = np.geomspace(COLDEST, HOTTEST, 400)
        assert calibration.log_loss_after is not None
        assert calibration.log_loss_after <= min(log_loss(logits, targets, other) for other in others) + 1e-12


def test_log_loss_equals_scikit_learns() -> None:
    logits, targets = simulate(50, 3, temperature=2.0)
    expected = reference_log_loss(targets, probabilities_of(logits, 1.7))
    assert log_loss(logits, targets, 1.7) == pytest.approx(expected)


def test_crops_that_are_all_told_apart_give_a_temperature_that_says_how_few_they_are() -> None:
    targets = np.arange(20) % 2
    few = fit_temperature(np.eye(2)[targets[:4]], targets[:4])
    many = fit_temperature(np.eye(2)[targets], targets)
    assert COLDEST < many.temperature < few.temperature < HOTTEST
    assert "all 20 crops" in str(many.remark)
    # with logits of 0 and 1 the softened targets, 1 - 1/22 ± 1/44, are reached exactly
    assert probabilities_of(np.eye(2)[:1], many.temperature)[0, 0] == pytest.approx(1 - 1 / 22 + 1 / 44)


def test_logits_that_are_always_wrong_get_the_highest_temperature_and_a_remark() -> None:
    calibration = fit_temperature(np.eye(3)[[0, 1, 2]] * 5, np.array([1, 2, 0]))
    assert calibration.temperature == pytest.approx(HOTTEST)
    assert "no minimum" in str(calibration.remark)


@pytest.mark.parametrize(("shape", "remark"), [((0, 3), "no crop"), ((5, 1), "one class only")])
def test_nothing_to_calibrate_on_leaves_the_temperature_at_1(shape: tuple[int, int], remark: str) -> None:
    calibration = fit_temperature(np.zeros(shape), np.zeros(shape[0], dtype=int))
    assert calibration.temperature == 1
    assert remark in str(calibration.remark)


def test_huge_logits_stay_finite() -> None:
    logits = np.array([[1e5, -1e5, 0], [-1e5, 1e5, 0], [1e5, 0, 0]])
    assert np.isfinite(log_loss(logits, np.array([1, 1, 0])))
    assert probabilities_of(logits, 0.05).sum(axis=1) == pytest.approx(1)
