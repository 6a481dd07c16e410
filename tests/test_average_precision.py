"""Average precision and its curve, against scikit-learn and by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

from animl_kedro.average_precision import (
    average_precision,
    average_precisions,
    mean_average_precisions,
    precision_recall,
)

Case = tuple[NDArray[np.bool_], NDArray[np.float64]]


def make_case(kind: str, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 80))
    is_positive = rng.random(size) < rng.uniform(0.05, 0.95)
    scores = rng.random(size)
    is_positive[rng.integers(size)] = True
    if kind == "ties":
        scores = scores.round(1)
    elif kind == "constant":
        scores = np.full(size, scores[0])
    elif kind == "one positive":
        is_positive = np.arange(size) == rng.integers(size)
    elif kind == "all positive":
        is_positive = np.ones(size, dtype=bool)
    return is_positive, scores


KINDS = ["distinct", "ties", "constant", "one positive", "all positive"]


@pytest.mark.parametrize("kind", KINDS)
def test_average_precision_of_random_cases_equals_scikit_learn(kind: str) -> None:
    for seed in range(120):
        is_positive, scores = make_case(kind, seed)
        expected = average_precision_score(is_positive, scores)
        assert average_precision(is_positive, scores) == pytest.approx(expected, abs=1e-12), seed


@pytest.mark.parametrize("kind", KINDS)
def test_curve_of_random_cases_equals_scikit_learn(kind: str) -> None:
    for seed in range(60):
        is_positive, scores = make_case(kind, seed)
        precision, recall, thresholds = precision_recall_curve(is_positive, scores)
        curve = precision_recall(is_positive, scores)
        # scikit-learn's curve begins at the lowest threshold, and ends with a point that no threshold belongs to
        np.testing.assert_array_equal(curve.thresholds, thresholds[::-1])
        np.testing.assert_allclose(curve.precision, precision[:-1][::-1], atol=1e-12)
        np.testing.assert_allclose(curve.recall, recall[:-1][::-1], atol=1e-12)


CLASS_KINDS = ["distinct", "ties", "constant", "missing classes", "one class"]


def make_classes(kind: str, seed: int) -> Case:
    """(n, n_classes) truth and scores."""
    rng = np.random.default_rng(seed)
    classes = 1 if kind == "one class" else int(rng.integers(2, 7))
    present = rng.integers(1, classes + 1) if kind == "missing classes" else classes
    truth = rng.integers(present, size=int(rng.integers(1, 60)))
    scores = rng.dirichlet(np.ones(classes), size=len(truth))
    if kind == "ties":
        scores = scores.round(1)
    elif kind == "constant":
        scores = np.full_like(scores, 1 / classes)
    return truth[:, None] == np.arange(classes), scores


@pytest.mark.parametrize("kind", CLASS_KINDS)
def test_classes_and_means_of_random_cases_equal_scikit_learn(kind: str) -> None:
    for seed in range(80):
        is_positive, scores = make_classes(kind, seed)
        present = np.asarray(is_positive.any(axis=0))
        expected = np.full(is_positive.shape[1], np.nan)
        expected[present] = average_precision_score(is_positive[:, present], scores[:, present], average=None)
        np.testing.assert_allclose(average_precisions(is_positive, scores), expected, atol=1e-12)
        means = mean_average_precisions(is_positive, scores)
        for average in ("macro", "weighted"):
            value = average_precision_score(is_positive[:, present], scores[:, present], average=average)
            assert means[average] == pytest.approx(value, abs=1e-12), seed
        value = average_precision_score(is_positive.ravel(), scores.ravel())
        assert means["micro"] == pytest.approx(value, abs=1e-12), seed


def test_means_with_a_class_without_positives_leave_it_out_but_pool_it_in_micro() -> None:
    is_positive = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]], dtype=bool)
    scores = np.array([[0.5, 0.1, 0.4], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.2, 0.8, 0.0]])
    with_positives = is_positive[:, :2], scores[:, :2]
    means = mean_average_precisions(is_positive, scores)
    assert means["macro"] == pytest.approx(average_precision_score(*with_positives, average="macro"), abs=1e-12)
    assert means["weighted"] == pytest.approx(average_precision_score(*with_positives, average="weighted"), abs=1e-12)
    assert means["micro"] == pytest.approx(average_precision_score(is_positive, scores, average="micro"), abs=1e-12)
    assert means["micro"] != pytest.approx(average_precision_score(*with_positives, average="micro"), abs=1e-6)


def test_average_precision_of_three_crops_is_the_one_by_hand() -> None:
    # first right: precision 1 at recall 1/2; third right: precision 2/3 at recall 1
    is_positive = np.array([True, False, True])
    assert average_precision(is_positive, np.array([0.9, 0.8, 0.7])) == pytest.approx((1 + 2 / 3) / 2)


def test_average_precision_of_a_perfect_ranking_is_exactly_one() -> None:
    for positives in range(1, 200):
        scores = np.linspace(1, 0, positives + 7)
        assert average_precision(np.arange(len(scores)) < positives, scores) == 1.0


def test_average_precision_without_a_positive_is_nan_and_its_curve_empty() -> None:
    is_positive, scores = np.zeros(3, dtype=bool), np.array([0.1, 0.2, 0.2])
    assert np.isnan(average_precision(is_positive, scores))
    assert len(precision_recall(is_positive, scores).recall) == 0
    assert all(np.isnan(mean) for mean in mean_average_precisions(is_positive[:, None], scores[:, None]).values())


def test_average_precision_of_no_crop_is_nan() -> None:
    assert np.isnan(average_precision(np.zeros(0, dtype=bool), np.zeros(0)))
    assert len(precision_recall(np.zeros(0, dtype=bool), np.zeros(0)).recall) == 0


def test_average_precision_does_not_change_its_input() -> None:
    is_positive, scores = make_case("ties", 3)
    before = is_positive.copy(), scores.copy()
    average_precision(is_positive, scores)
    precision_recall(is_positive, scores)
    np.testing.assert_array_equal(is_positive, before[0])
    np.testing.assert_array_equal(scores, before[1])
