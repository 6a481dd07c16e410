"""How often each training crop is to be drawn."""

import numpy as np
import pandas as pd
import pytest

from animl_kedro.formats.calibration import AS_IT_IS, ConfidenceCalibration
from animl_kedro.pipelines.dataset_split.nodes import weigh_crops
from animl_kedro.tables import SampleWeights, Split, with_splits
from crop_factories import make_crops
from split_factories import SplitTables, split_tables

COLUMNS = ["label_weight", "confidence_weight", "balanced_confidence_weight"]


@pytest.fixture(scope="module")
def tables() -> SplitTables:
    crops = make_crops(locations=12, crops=300)
    rng = np.random.default_rng(0)
    return split_tables(crops.assign(confidence=rng.uniform(0.1, 1, len(crops))))


def weighed(tables: SplitTables, calibration: ConfidenceCalibration = AS_IT_IS) -> pd.DataFrame:
    """The weights beside what is known of the training crops."""
    weights = SampleWeights.validate(weigh_crops(tables.labeled, tables.splits, calibration))
    return with_splits(tables.labeled, tables.splits).merge(weights, on="crop_id", how="right", validate="one_to_one")


def test_weights_are_of_the_training_crops_alone_with_mean_1(tables: SplitTables) -> None:
    weights = weighed(tables)
    assert set(weights["split"]) == {Split.TRAIN}
    assert len(weights) == (tables.splits["split"] == Split.TRAIN).sum()
    assert weights[COLUMNS].mean().to_numpy() == pytest.approx(1)


def test_label_weights_are_equal_within_a_class_and_give_every_class_the_same_sum(tables: SplitTables) -> None:
    weights = weighed(tables)
    classes = weights.groupby("label")
    assert (classes["label_weight"].nunique() == 1).all()
    by_definition = len(weights) / (classes.ngroups * weights["label"].map(classes.size()))
    assert weights["label_weight"].to_numpy() == pytest.approx(by_definition.to_numpy())


def test_confidence_weights_are_in_proportion_to_the_confidence(tables: SplitTables) -> None:
    weights = weighed(tables)
    shares = weights["confidence_weight"] / weights["confidence"]
    assert shares.to_numpy() == pytest.approx(shares.iloc[0])


def test_balanced_confidence_weights_are_what_cameratraps_computes(tables: SplitTables) -> None:
    """(n / c) · confidence / (sum of the class's confidence), n the sum of all, and here with mean 1."""
    weights = weighed(tables)
    confidence, classes = weights["confidence"], weights.groupby("label")
    theirs = confidence.sum() / classes.ngroups * confidence / classes["confidence"].transform("sum")
    assert weights["balanced_confidence_weight"].to_numpy() == pytest.approx((theirs / theirs.mean()).to_numpy())


def test_weights_with_a_calibration_follow_its_curve(tables: SplitTables) -> None:
    calibration = ConfidenceCalibration(np.array([0.0, 0.5, 1.0]), np.array([0.2, 0.2, 0.9]))
    weights = weighed(tables, calibration)
    expected = np.where(weights["confidence"] < 0.5, 0.2, 0.2 + 1.4 * (weights["confidence"] - 0.5))
    assert weights["confidence_weight"].to_numpy() == pytest.approx(expected / expected.mean())


def test_weights_of_other_splits_and_of_shuffled_rows_are_the_same(tables: SplitTables) -> None:
    is_test = (tables.splits["split"] == Split.TEST).to_numpy()
    doubted = tables.labeled.assign(confidence=tables.labeled["confidence"].where(~is_test, 0.5))
    first = weigh_crops(tables.labeled, tables.splits, AS_IT_IS)
    second = weigh_crops(doubted.sample(frac=1, random_state=2), tables.splits.sample(frac=1, random_state=3), AS_IT_IS)
    pd.testing.assert_frame_equal(first, second)


def test_weights_of_a_class_without_any_confidence_are_0_and_the_others_are_balanced(tables: SplitTables) -> None:
    labeled = tables.labeled.assign(
        confidence=tables.labeled["confidence"].where(tables.labeled["label"] != "fox", 0.0)
    )
    sums = weighed(tables._replace(labeled=labeled)).groupby("label")["balanced_confidence_weight"].sum()
    assert sums["fox"] == 0
    assert sums["bird"] == pytest.approx(sums["lizard"])


def test_weights_without_any_confidence_are_0(tables: SplitTables) -> None:
    weights = weighed(tables._replace(labeled=tables.labeled.assign(confidence=0.0)))
    assert (weights[["confidence_weight", "balanced_confidence_weight"]] == 0).to_numpy().all()
    assert weights["label_weight"].mean() == pytest.approx(1)
