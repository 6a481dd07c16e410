"""Recommended thresholds, against all thresholds tried one by one."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from animl_kedro.average_precision import precision_recall
from animl_kedro.errors import InputError
from animl_kedro.pipelines.reporting.parameters import ThresholdParams, ThresholdTarget
from animl_kedro.pipelines.reporting.thresholds import animl_thresholds, choose, recommend
from animl_kedro.tables import PROBABILITY_PREFIX, Predictions, RecommendedThresholds, Split
from reporting_factories import HOSTILE_LABELS, LABELS, make_crops, make_predictions, shuffled, without

TARGETS = st.one_of(
    st.builds(lambda value: ThresholdTarget(precision=value), st.sampled_from([0.1, 0.5, 2 / 3, 0.9, 1.0])),
    st.builds(lambda value: ThresholdTarget(recall=value), st.sampled_from([0.1, 0.5, 2 / 3, 0.9, 1.0])),
)


def measure(truth: Any, scores: Any, threshold: Any) -> dict[str, float]:
    taken = scores >= threshold
    found = (taken & truth).sum()
    return {"precision": found / taken.sum() if taken.any() else np.nan, "recall": found / truth.sum()}


def tried(truth: Any, scores: Any, target: ThresholdTarget) -> tuple[float, bool]:
    """The best of all thresholds that can be told apart, by the words of the documentation."""
    other = "recall" if target.measure == "precision" else "precision"
    given = {float(threshold): measure(truth, scores, threshold) for threshold in np.unique(scores)}
    reaching = {t: m for t, m in given.items() if m[target.measure] >= target.value}
    if not reaching:
        closest = max(m[target.measure] for m in given.values())
        candidates = {t: m for t, m in given.items() if m[target.measure] == closest}
    else:
        candidates = reaching
    best = max(candidates, key=lambda t: (candidates[t][other], candidates[t][target.measure]))
    return best, bool(reaching)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=1).filter(lambda crops: any(t for t, _ in crops)),
    TARGETS,
)
def test_choose_finds_what_trying_all_thresholds_finds(crops: list[tuple[bool, int]], target: ThresholdTarget) -> None:
    truth, scores = np.array([t for t, _ in crops]), np.array([s / 10 for _, s in crops])
    curve = precision_recall(truth, scores)
    place, reached = choose(curve, target)
    assert (curve.thresholds[place], reached) == tried(truth, scores, target)


@pytest.mark.parametrize("target", [ThresholdTarget(precision=0.8), ThresholdTarget(recall=0.8)])
@pytest.mark.parametrize("skill", [0.0, 2.0])
def test_recommend_gives_each_class_what_trying_all_thresholds_gives(target: ThresholdTarget, skill: float) -> None:
    predictions = make_predictions(skill=skill)
    crops = make_crops(predictions)
    table = recommend(predictions, crops, ThresholdParams(default=target)).set_index("label")
    images = crops.set_index("crop_id")["image_id"]
    for label in LABELS:
        row = table.loc[label]
        for split, prefix in (("val", ""), ("test", "test_")):
            part = predictions[predictions["split"] == split]
            truth, scores = (part["label"] == label).to_numpy(), part[PROBABILITY_PREFIX + label].to_numpy()
            if split == "val":
                assert (row["threshold"], row["outcome"] == "reached") == tried(truth, scores, target)
            expected = measure(truth, scores, row["threshold"])
            for name, value in expected.items():
                assert row[prefix + name] == pytest.approx(value, nan_ok=True)
            alarms = ((scores >= row["threshold"]) & ~truth).sum()
            per_image = 1000 * alarms / images[part["crop_id"]].nunique()
            assert row[f"{prefix}false_alarms_per_1000_images"] == pytest.approx(per_image)
            assert row[f"{prefix}positives"] == truth.sum()


def test_recommend_with_targets_of_classes_takes_the_default_for_the_others() -> None:
    predictions = make_predictions(skill=1)
    params = ThresholdParams(classes={"fox": ThresholdTarget(recall=1.0)})
    table = recommend(predictions, make_crops(predictions), params)
    RecommendedThresholds.validate(table)
    assert table["label"].tolist() == [*LABELS, "micro"]
    assert table["kind"].tolist() == ["class"] * 3 + ["mean"]
    assert table["target"].tolist() == ["precision", "recall", "precision", "precision"]
    assert table["wanted"].tolist() == [0.9, 1.0, 0.9, 0.9]
    assert table.set_index("label").loc["fox", "recall"] == 1


def test_recommend_for_all_classes_pools_the_pairs_of_crop_and_class() -> None:
    predictions = make_predictions(skill=1)
    table = recommend(predictions, make_crops(predictions), ThresholdParams()).set_index("label")
    val = predictions[predictions["split"] == "val"]
    scores = val[[PROBABILITY_PREFIX + label for label in LABELS]].to_numpy().ravel()
    truth = (val["label"].to_numpy()[:, None] == np.array(LABELS)).ravel()
    expected, _ = tried(truth, scores, ThresholdTarget(precision=0.9))
    assert table.loc["micro", "threshold"] == expected
    assert table.loc["micro", "positives"] == 36


def test_recommend_of_a_precision_that_cannot_be_reached_gives_the_best_and_says_so() -> None:
    predictions = make_predictions(skill=1)
    predictions[[PROBABILITY_PREFIX + label for label in LABELS]] = 1 / 3  # nothing is told apart
    table = recommend(predictions, make_crops(predictions), ThresholdParams()).set_index("label")
    assert table["outcome"].unique().tolist() == ["best_possible"]
    assert table.loc["fox", "precision"] == pytest.approx(1 / 3)
    assert table.loc["fox", "recall"] == 1
    assert table.loc["fox", "false_alarms_per_1000_images"] == pytest.approx(1000 * 24 / 36)


def test_recommend_without_a_crop_of_the_class_has_no_threshold_for_it() -> None:
    predictions = without(make_predictions(), "val", "fox")
    row = recommend(predictions, make_crops(predictions), ThresholdParams()).set_index("label").loc["fox"]
    assert row["outcome"] == "not_measurable"
    assert (row["positives"], row["test_positives"]) == (0, 12)
    assert row[["threshold", "precision", "test_precision", "test_recall"]].isna().all()


def test_recommend_without_a_test_has_what_was_chosen_and_nothing_beside() -> None:
    predictions = make_predictions().query("split == 'val'")
    table = recommend(predictions, make_crops(predictions), ThresholdParams())
    assert table["threshold"].notna().all()
    assert table["test_positives"].tolist() == [0] * 4
    assert table["test_precision"].isna().all()


def test_recommend_on_the_test_split_gives_the_same_twice() -> None:
    predictions = make_predictions(skill=1)
    table = recommend(predictions, make_crops(predictions), ThresholdParams(split=Split.TEST))
    assert table["precision"].tolist() == table["test_precision"].tolist()
    assert table["split"].unique().tolist() == ["test"]


def test_recommend_of_nothing_names_every_class_and_measures_none() -> None:
    predictions = Predictions.validate(make_predictions().iloc[:0])
    table = recommend(predictions, make_crops(predictions), ThresholdParams())
    assert table["outcome"].tolist() == ["not_measurable"] * 4
    assert animl_thresholds(table) == {"defaultConfThreshold": None, "categoryConfig": {}}


@pytest.mark.parametrize(
    ("label", "message"), [("fxo", "did you mean 'fox'"), ("whale", r"\(bird, fox, skunk\): choose one")]
)
def test_recommend_for_an_unknown_class_names_those_that_there_are(label: str, message: str) -> None:
    predictions = make_predictions()
    params = ThresholdParams(classes={label: ThresholdTarget(recall=0.9)})
    with pytest.raises(InputError, match=message):
        recommend(predictions, make_crops(predictions), params)


def test_recommend_of_shuffled_rows_and_hostile_labels_is_the_same() -> None:
    predictions = make_predictions(HOSTILE_LABELS, crops=400, skill=1)
    crops = make_crops(predictions)
    table = recommend(predictions, crops, ThresholdParams())
    pd.testing.assert_frame_equal(recommend(shuffled(predictions), shuffled(crops, 2), ThresholdParams()), table)


def test_animl_thresholds_are_those_of_the_table_by_category() -> None:
    predictions = without(make_predictions(HOSTILE_LABELS, crops=600, skill=1), "val", "NA")
    table = recommend(predictions, make_crops(predictions), ThresholdParams())
    kept = json.loads(json.dumps(animl_thresholds(table), allow_nan=False))
    of_class = table[table["kind"] == "class"].set_index("label")["threshold"]
    assert list(kept) == ["defaultConfThreshold", "categoryConfig"]
    assert kept["defaultConfThreshold"] == table.loc[table["kind"] == "mean", "threshold"].item()
    assert set(kept["categoryConfig"]) == set(HOSTILE_LABELS) - {"NA"}
    for label, config in kept["categoryConfig"].items():
        assert config == {"confThreshold": of_class[label], "disabled": False}


def test_animl_thresholds_are_never_zero_which_animl_takes_for_its_default() -> None:
    predictions = make_predictions().assign(probability_fox=0.0)
    table = recommend(predictions, make_crops(predictions), ThresholdParams())
    assert table.set_index("label").loc["fox", "threshold"] == 0
    assert animl_thresholds(table)["categoryConfig"]["fox"]["confThreshold"] == 1e-6


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({}, "this has neither"),
        ({"precision": 0.9, "recall": 0.95}, "precision 0.9 and recall 0.95: give one of them"),
        ({"precision": 0}, "precision"),
        ({"recall": 1.5}, "recall"),
        ({"recal": 0.5}, "did you mean 'recall'"),
    ],
)
def test_target_with_a_fault_names_it(target: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ThresholdTarget.model_validate(target)


def test_thresholds_are_not_chosen_on_the_training() -> None:
    with pytest.raises(ValidationError, match="chosen on val or test"):
        ThresholdParams.model_validate({"split": "train"})
