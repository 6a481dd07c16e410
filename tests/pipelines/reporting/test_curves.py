"""Precision-recall curves and how they are thinned."""

import numpy as np
import pandas as pd
import pytest

from animl_kedro.average_precision import PrecisionRecall, average_precision, precision_recall
from animl_kedro.pipelines.reporting.curves import MAX_POINTS, curves_of_class, thinned, trace_curves
from animl_kedro.tables import PrecisionRecallCurves, Predictions, Split
from reporting_factories import LABELS, make_predictions, shuffled, without


def make_curve(crops: int, share: float, skill: float, seed: int = 0) -> tuple[PrecisionRecall, float]:
    rng = np.random.default_rng(seed)
    is_positive = rng.random(crops) < share
    scores = 1 / (1 + np.exp(-rng.normal(size=crops) - skill * is_positive))
    return precision_recall(is_positive, scores), average_precision(is_positive, scores)


def area(curve: PrecisionRecall) -> float:
    return float((np.diff(curve.recall, prepend=0) * curve.precision).sum())


@pytest.mark.parametrize(("share", "skill"), [(0.5, 2.0), (0.02, 1.0), (0.3, 0.0), (0.9, 4.0), (0.001, 3.0)])
def test_thinned_long_curve_keeps_its_ends_and_its_shape(share: float, skill: float) -> None:
    curve, score = make_curve(20_000, share, skill)
    short = thinned(curve)
    assert len(short.recall) <= MAX_POINTS
    for name in ("thresholds", "precision", "recall"):
        whole, part = getattr(curve, name), getattr(short, name)
        assert (part[0], part[-1]) == (whole[0], whole[-1])
    assert (np.diff(short.thresholds) < 0).all()
    assert (np.diff(short.recall) >= 0).all()
    assert area(short) == pytest.approx(score, abs=0.005)


def test_thinned_long_curve_encloses_every_point_that_was_left_out() -> None:
    curve, _ = make_curve(10_000, 0.1, 1.5)
    short = thinned(curve)
    beside = np.abs(short.recall[:, None] - curve.recall) <= 1 / 200
    assert (beside & (short.precision[:, None] >= curve.precision)).any(axis=0).all()
    assert (beside & (short.precision[:, None] <= curve.precision)).any(axis=0).all()


def test_thinned_short_curve_is_unchanged() -> None:
    curve, _ = make_curve(MAX_POINTS, 0.3, 1.0)
    assert thinned(curve) is curve


def test_curves_of_three_splits_follow_the_schema() -> None:
    table = trace_curves(make_predictions())
    PrecisionRecallCurves.validate(table)
    assert set(zip(table["split"], table["label"], strict=True)) == {
        (s.value, label) for s in Split for label in LABELS
    }
    assert (table.groupby(["split", "label"])["recall"].max() == 1).all()


def test_curves_of_many_crops_are_thinned() -> None:
    table = trace_curves(make_predictions(crops=6_000))
    sizes = table.groupby(["split", "label"]).size()
    assert sizes.max() <= MAX_POINTS < 2_000


def test_curves_of_a_missing_class_leave_it_out() -> None:
    table = trace_curves(without(make_predictions(), "test", "fox"))
    assert set(table.loc[table["split"] == "test", "label"]) == {"bird", "skunk"}
    assert set(table.loc[table["split"] == "val", "label"]) == set(LABELS)


def test_curves_of_shuffled_rows_are_the_same() -> None:
    predictions = make_predictions(crops=3_000)
    pd.testing.assert_frame_equal(trace_curves(predictions), trace_curves(shuffled(predictions)))


def test_curves_of_no_predictions_are_an_empty_table() -> None:
    table = trace_curves(Predictions.validate(make_predictions().iloc[:0]))
    assert len(PrecisionRecallCurves.validate(table)) == 0


def test_curves_of_class_from_shuffled_rows_grow_in_recall() -> None:
    curves = curves_of_class(shuffled(trace_curves(make_predictions())), Split.TEST)
    assert list(curves) == list(LABELS)
    assert all(curve["recall"].is_monotonic_increasing for curve in curves.values())
