"""The confusion matrix."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from animl_kedro.pipelines.reporting.confusion import count_pairs, square
from animl_kedro.tables import PROBABILITY_PREFIX, ConfusionMatrix, Predictions, Split
from reporting_factories import LABELS, make_predictions, shuffled, without


@pytest.mark.parametrize("split", list(Split))
def test_count_pairs_of_every_split_equals_scikit_learn(split: Split) -> None:
    predictions = make_predictions(skill=0.5)
    part = predictions[predictions["split"] == split.value]
    best = part[[PROBABILITY_PREFIX + label for label in LABELS]].to_numpy().argmax(axis=1)
    labels, counts = square(count_pairs(predictions), split)
    assert labels == list(LABELS)
    np.testing.assert_array_equal(counts, confusion_matrix(part["label"], np.array(LABELS)[best], labels=list(LABELS)))


def test_count_pairs_has_every_pair_in_every_split_zeros_included() -> None:
    table = count_pairs(make_predictions(skill=50.0))
    ConfusionMatrix.validate(table)
    assert len(table) == 3 * len(LABELS) ** 2
    assert (table["crops"] == 0).sum() == 3 * len(LABELS) * (len(LABELS) - 1)


def test_count_pairs_with_a_class_that_has_no_crop_does_not_shift_the_names() -> None:
    labels, counts = square(count_pairs(without(make_predictions(skill=50.0), "test", "bird")), Split.TEST)
    assert labels == list(LABELS)
    np.testing.assert_array_equal(counts, np.diag([0, 12, 12]))


def test_count_pairs_of_equal_probabilities_takes_the_class_that_comes_first() -> None:
    predictions = make_predictions(crops=9)
    even = predictions.assign(**dict.fromkeys(predictions.columns[3:], 1 / 3))
    backwards = even[[*even.columns[:3], *reversed(even.columns[3:])]]
    for table in (count_pairs(even), count_pairs(backwards)):
        assert set(table.loc[table["crops"] > 0, "predicted"]) == {"bird"}


def test_count_pairs_of_shuffled_rows_is_the_same() -> None:
    predictions = make_predictions(skill=0.5)
    pd.testing.assert_frame_equal(count_pairs(predictions), count_pairs(shuffled(predictions)))


def test_count_pairs_of_no_predictions_is_an_empty_table() -> None:
    table = count_pairs(Predictions.validate(make_predictions().iloc[:0]))
    assert len(ConfusionMatrix.validate(table)) == 0
    labels, counts = square(table, Split.TEST)
    assert (labels, counts.shape) == ([], (0, 0))


def test_square_of_shuffled_rows_is_the_same() -> None:
    table = count_pairs(make_predictions(("b", "a", "B", "é"), skill=0.5))
    labels, counts = square(table, Split.TEST)
    others, other_counts = square(shuffled(table), Split.TEST)
    assert labels == others == ["B", "a", "b", "é"]
    np.testing.assert_array_equal(counts, other_counts)
