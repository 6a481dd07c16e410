"""The table of average precision, and its nested form."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from animl_kedro.errors import InputError
from animl_kedro.pipelines.reporting.measuring import measure, nested
from animl_kedro.tables import PROBABILITY_PREFIX, AveragePrecision, Predictions
from reporting_factories import HOSTILE_LABELS, LABELS, PARAMS, make_crops, make_predictions, shuffled, without


def rows_of(table: pd.DataFrame, split: str, kind: str = "class") -> pd.DataFrame:
    return table[(table["split"] == split) & (table["kind"] == kind)].set_index("label")


def test_measure_of_three_splits_has_every_class_and_mean_in_the_order_of_splits() -> None:
    predictions = make_predictions()
    table = measure(predictions, make_crops(predictions), PARAMS)
    AveragePrecision.validate(table)
    assert table["split"].unique().tolist() == ["train", "val", "test"]
    for _, rows in table.groupby("split"):
        assert rows["label"].tolist() == [*LABELS, "macro", "weighted", "micro"]
        assert rows["kind"].tolist() == ["class"] * 3 + ["mean"] * 3


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_measure_of_every_split_equals_scikit_learn(split: str) -> None:
    predictions = make_predictions(skill=0.5)
    table = measure(predictions, make_crops(predictions), PARAMS)
    part = predictions[predictions["split"] == split]
    truth = (part["label"].to_numpy()[:, None] == np.array(LABELS)).astype(int)
    scores = part[[PROBABILITY_PREFIX + label for label in LABELS]].to_numpy()
    expected = dict(zip(LABELS, average_precision_score(truth, scores, average=None), strict=True))
    for label, value in expected.items():
        assert rows_of(table, split).loc[label, "average_precision"] == pytest.approx(value, abs=1e-12)
    for mean in ("macro", "weighted", "micro"):
        value = average_precision_score(truth, scores, average=mean)
        assert rows_of(table, split, "mean").loc[mean, "average_precision"] == pytest.approx(value, abs=1e-12)


def test_measure_of_a_class_that_is_missing_in_test_gives_a_missing_value_there_only() -> None:
    predictions = without(make_predictions(), "test", "fox")
    table = measure(predictions, make_crops(predictions), PARAMS)
    test = rows_of(table, "test")
    assert test["average_precision"].isna().to_dict() == {"bird": False, "fox": True, "skunk": False}
    assert (test.loc["fox", "positives"], test.loc["fox", "locations"]) == (0, 0)
    assert rows_of(table, "val")["average_precision"].notna().all()
    macro = rows_of(table, "test", "mean").loc["macro", "average_precision"]
    assert macro == pytest.approx(test["average_precision"].mean())  # pandas leaves out the missing one


def test_measure_counts_crops_and_distinct_locations() -> None:
    predictions = make_predictions(crops=108, locations=9)
    table = measure(predictions, make_crops(predictions), PARAMS)
    test = rows_of(table, "test")
    assert test["positives"].sum() == 36
    assert test["crops"].unique().tolist() == [36]
    assert test["locations"].unique().tolist() == [3]
    assert rows_of(table, "test", "mean")["locations"].unique().tolist() == [3]
    assert rows_of(table, "test", "mean")["positives"].unique().tolist() == [36]


def test_measure_of_two_datasets_counts_locations_of_one_name_twice() -> None:
    predictions = make_predictions(crops=18, locations=3)
    crops = make_crops(predictions)
    of_second = crops.assign(dataset=["first", "second"] * 9)
    table = measure(predictions, of_second, PARAMS)
    assert rows_of(table, "test", "mean").loc["macro", "locations"] == 2


def test_measure_with_a_crop_without_location_counts_no_location_for_it() -> None:
    predictions = make_predictions(crops=18, locations=3)
    table = measure(predictions, make_crops(predictions).assign(location=None), PARAMS)
    assert table["locations"].unique().tolist() == [0]


def test_measure_of_shuffled_rows_is_the_same() -> None:
    predictions = make_predictions(skill=0.3)
    predictions = predictions.assign(**{name: predictions[name].round(1) for name in predictions.columns[3:]})
    crops = make_crops(predictions)
    pd.testing.assert_frame_equal(
        measure(predictions, crops, PARAMS), measure(shuffled(predictions), shuffled(crops, 2), PARAMS)
    )


def test_measure_does_not_change_its_input() -> None:
    predictions = make_predictions()
    crops = make_crops(predictions)
    before = predictions.copy(), crops.copy()
    measure(predictions, crops, PARAMS)
    pd.testing.assert_frame_equal(predictions, before[0])
    pd.testing.assert_frame_equal(crops, before[1])


def test_measure_of_a_prediction_without_a_crop_says_what_to_run() -> None:
    predictions = make_predictions()
    crops = make_crops(predictions).iloc[2:]
    with pytest.raises(InputError, match=r"2 of 108 predictions .*place-0/0000.*dataset_split, modeling and reporting"):
        measure(predictions, crops, PARAMS)


def test_measure_of_a_label_without_probabilities_names_it_and_the_classes() -> None:
    predictions = make_predictions()
    other = predictions.assign(label=predictions["label"].replace("fox", "wolf"))
    with pytest.raises(InputError, match=r"\['wolf'\].*\['bird', 'fox', 'skunk'\].*modeling"):
        measure(other, make_crops(other), PARAMS)


@pytest.mark.parametrize("labels", [("fox",), ("cat", "fox"), ("NA", "None"), ("nan", "null", "none"), ("1", "01")])
def test_measure_of_unusual_labels_keeps_them(labels: tuple[str, ...]) -> None:
    predictions = make_predictions(labels)
    table = measure(predictions, make_crops(predictions), PARAMS)
    assert rows_of(table, "test").index.tolist() == sorted(labels)
    assert rows_of(table, "test")["average_precision"].notna().all()


def test_measure_of_one_class_is_perfect() -> None:
    predictions = make_predictions(("fox",))
    assert measure(predictions, make_crops(predictions), PARAMS)["average_precision"].unique().tolist() == [1.0]


def test_measure_of_a_split_without_crops_has_no_rows_of_it() -> None:
    predictions = make_predictions()
    predictions = predictions[predictions["split"] == "val"]
    assert measure(predictions, make_crops(predictions), PARAMS)["split"].unique().tolist() == ["val"]


def test_measure_of_no_predictions_is_an_empty_table() -> None:
    predictions = Predictions.validate(make_predictions().iloc[:0])
    table = measure(predictions, make_crops(predictions), PARAMS)
    assert len(AveragePrecision.validate(table)) == 0
    assert nested(table) == {}


def test_nested_of_a_missing_class_is_json_with_none() -> None:
    predictions = without(make_predictions(), "test", "fox")
    table = measure(predictions, make_crops(predictions), PARAMS)
    by_split = json.loads(json.dumps(nested(table), allow_nan=False))
    assert list(by_split) == ["train", "val", "test"]
    test = by_split["test"]
    assert test["not_measurable"] == ["fox"]
    missing = dict.fromkeys(("average_precision", "low", "high", "image_low", "image_high"))
    assert test["classes"]["fox"] == missing | {"positives": 0, "locations": 0, "reliable": False}
    assert (
        test["means"]["macro"]["average_precision"] == rows_of(table, "test", "mean").loc["macro", "average_precision"]
    )
    assert by_split["val"]["not_measurable"] == []
    assert (test["crops"], test["locations"]) == (24, 3)


def test_nested_of_a_class_called_macro_does_not_mix_it_with_the_mean() -> None:
    predictions = make_predictions(HOSTILE_LABELS, crops=500, skill=0.5)
    table = measure(predictions, make_crops(predictions), PARAMS)
    test = nested(table)["test"]
    assert set(test["classes"]) == set(HOSTILE_LABELS)
    macro, values = test["means"]["macro"], [row["average_precision"] for row in test["classes"].values()]
    assert test["classes"]["macro"]["average_precision"] != macro["average_precision"]
    assert macro["average_precision"] == pytest.approx(np.mean(values))
