"""The metrics beside average precision, against scikit-learn and by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn
from sklearn.calibration import calibration_curve

from animl_kedro.pipelines.reporting import metrics
from animl_kedro.pipelines.reporting.scores import ClassScores
from animl_kedro.tables import Reliability, ScoresByClass
from reporting_factories import LABELS, make_predictions, shuffled, without

KINDS = ["distinct", "missing class", "two classes", "certain", "one crop"]


def make_scores(kind: str, seed: int) -> ClassScores:
    rng = np.random.default_rng(seed)
    classes = 2 if kind == "two classes" else int(rng.integers(3, 8))
    crops = 1 if kind == "one crop" else int(rng.integers(2, 60))
    truth = rng.integers(classes - (kind == "missing class"), size=crops)
    probabilities = rng.dirichlet(np.full(classes, 0.5), size=crops)
    if kind == "certain":
        probabilities = np.eye(classes)[rng.integers(classes, size=crops)]
    return ClassScores([f"class {index}" for index in range(classes)], truth, probabilities)


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_of_random_cases_equal_scikit_learn(kind: str) -> None:
    for seed in range(20):
        scores = make_scores(kind, seed)
        truth, predicted, labels = scores.truth, scores.predicted, np.arange(len(scores.labels))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes that are absent
            shares = sklearn.precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=np.nan)
            balanced = sklearn.balanced_accuracy_score(truth, predicted)
        for ours, theirs in zip(metrics.class_shares(scores), shares[:3], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)
        assert metrics.balanced_accuracy(scores) == pytest.approx(balanced, abs=1e-12)
        assert metrics.top_accuracy(scores, 1) == sklearn.accuracy_score(truth, predicted)
        loss = sklearn.log_loss(truth, scores.probabilities, labels=labels)
        assert metrics.log_loss(scores) == pytest.approx(loss, abs=1e-12)
        # of two classes scikit-learn wants the probability of the second, and counts its error once
        columns = scores.probabilities if len(labels) > 2 else scores.probabilities[:, 1]
        squares = sklearn.brier_score_loss(truth, columns, labels=labels, scale_by_half=False)
        assert metrics.brier_score(scores) == pytest.approx(squares, abs=1e-12)


def test_top3_accuracy_of_distinct_probabilities_equals_scikit_learn() -> None:
    for seed in range(30):
        scores = make_scores("distinct", seed)
        labels = np.arange(len(scores.labels))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of three classes, of which three are always enough
            expected = sklearn.top_k_accuracy_score(scores.truth, scores.probabilities, k=3, labels=labels)
        assert metrics.top_accuracy(scores, 3) == expected


def test_top3_accuracy_of_two_classes_is_one() -> None:
    assert metrics.top_accuracy(make_scores("two classes", 0), 3) == 1


def test_top_accuracy_of_equal_probabilities_takes_the_first_classes() -> None:
    scores = ClassScores(list("abcd"), np.arange(4), np.full((4, 4), 0.25))
    assert [metrics.top_accuracy(scores, top) for top in (1, 2, 3, 4)] == [0.25, 0.5, 0.75, 1]


def test_reliability_equals_the_calibration_curve_of_scikit_learn() -> None:
    predictions = make_predictions(crops=900, skill=1)
    table = metrics.bin_confidences(predictions)
    Reliability.validate(table)
    test = table[table["split"] == "test"]
    part = predictions[predictions["split"] == "test"]
    probabilities = part.filter(like="probability_").to_numpy()
    right = part["label"].to_numpy() == np.array(LABELS)[probabilities.argmax(axis=1)]
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=metrics.BINS)
    np.testing.assert_allclose(test["accuracy"].dropna(), accuracy, atol=1e-12)
    np.testing.assert_allclose(test["mean_confidence"].dropna(), confidence, atol=1e-12)
    assert test["crops"].sum() == len(part)
    assert test["bin"].tolist() == list(range(metrics.BINS))


def test_expected_calibration_error_by_hand() -> None:
    # four crops in the bin of 0.9, three of them right; one in that of 0.6, wrong
    first = np.array([0.9, 0.9, 0.9, 0.9, 0.6])
    scores = ClassScores(["a", "b"], np.array([0, 0, 0, 1, 1]), np.column_stack([first, 1 - first]))
    assert metrics.expected_calibration_error(scores) == pytest.approx((4 * 0.15 + 0.6) / 5)


def test_score_by_class_of_a_missing_class_has_no_recall() -> None:
    predictions = without(make_predictions(), "test", "fox")
    table = metrics.score_by_class(predictions).set_index(["split", "label"])
    fox = table.loc[[("test", "fox")]]
    assert fox["positives"].tolist() == [0]
    assert fox["recall"].isna().all()
    assert fox["precision"].tolist() == [0]
    assert table["right"].sum() == (table["recall"].fillna(0) * table["positives"]).sum()


def test_tables_of_shuffled_rows_and_of_no_rows() -> None:
    predictions = make_predictions()
    for table, schema in ((metrics.score_by_class, ScoresByClass), (metrics.bin_confidences, Reliability)):
        pd.testing.assert_frame_equal(table(predictions), table(shuffled(predictions)))
        assert len(schema.validate(table(predictions.iloc[:0]))) == 0
