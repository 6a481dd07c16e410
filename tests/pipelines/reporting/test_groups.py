"""How good the classifier is by location, light, size, confidence and month."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from animl_kedro.errors import InputError
from animl_kedro.pipelines.reporting.grouped import Grouping, average_precisions_by_group, group_means
from animl_kedro.pipelines.reporting.groups import DAY, NIGHT, UNKNOWN, group_crops, measure_groups
from animl_kedro.pipelines.reporting.scores import ClassScores, scores_by_split
from animl_kedro.tables import PROBABILITY_PREFIX, Crops, CropSaturations, PerformanceByGroup, Predictions
from reporting_factories import HOSTILE_LABELS, LABELS, make_crops, make_predictions, shuffled


def make_saturations(predictions: pd.DataFrame, saturation: float | None = 0.3) -> pd.DataFrame:
    return CropSaturations.of([(crop_id, saturation, None) for crop_id in predictions["crop_id"]])


def group_of(table: pd.DataFrame, kind: str, split: str = "test") -> pd.DataFrame:
    return table[(table["kind"] == kind) & (table["split"] == split)].set_index("group")


@st.composite
def scored_groups(draw: st.DrawFn) -> tuple[ClassScores, Grouping]:
    classes, groups = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    crops = draw(st.integers(0, 25))
    truth = draw(st.lists(st.integers(0, classes - 1), min_size=crops, max_size=crops))
    codes = draw(st.lists(st.integers(0, groups - 1), min_size=crops, max_size=crops))
    cells = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=classes, max_size=classes)
    scores = draw(st.lists(cells, min_size=crops, max_size=crops))
    labels = [f"class {number}" for number in range(classes)]
    arrays = np.array(truth, dtype=np.intp), np.array(scores, dtype=float).reshape(crops, classes)
    return ClassScores(labels, *arrays), Grouping(
        "any", [str(g) for g in range(groups)], np.array(codes, dtype=np.intp)
    )


@given(scored_groups())
def test_average_precision_of_every_group_is_that_of_its_crops_alone(case: tuple[ClassScores, Grouping]) -> None:
    scores, grouping = case
    (values,) = average_precisions_by_group(scores, [grouping])
    assert values.shape == (len(grouping.names), len(scores.labels))
    for group in range(len(grouping.names)):
        chosen = grouping.codes == group
        for label in range(len(scores.labels)):
            positive = scores.truth[chosen] == label
            if positive.all() or not positive.any():
                assert np.isnan(values[group, label])
            else:
                expected = average_precision_score(positive, scores.probabilities[chosen, label])
                assert values[group, label] == pytest.approx(expected, abs=1e-12)


def test_average_precisions_of_more_groups_than_sixteen_bits_can_count_are_those_of_few() -> None:
    ((_, scores),) = scores_by_split(make_predictions(skill=0.5).query("split == 'test'"))
    few = Grouping("few", ["a", "b"], np.arange(len(scores.truth)) % 2)
    many = Grouping("many", [str(number) for number in range(70_000)], few.codes * 69_999)
    first, second = average_precisions_by_group(scores, [few, many])
    np.testing.assert_array_equal(first, second[[0, 69_999]])
    assert np.isnan(second[1:69_999]).all()


def test_group_means_leave_out_what_is_not_measurable() -> None:
    values = np.array([[1.0, np.nan, 0.5], [np.nan, np.nan, np.nan]])
    (two, mean), (none, missing) = group_means(values)
    assert (two, mean, none) == (2, 0.75, 0)
    assert np.isnan(missing)


def test_every_crop_of_the_held_out_splits_is_in_one_group_of_every_kind() -> None:
    predictions = make_predictions()
    table = measure_groups(predictions, make_crops(predictions), make_saturations(predictions), 0.05)
    PerformanceByGroup.validate(table)
    assert table["split"].unique().tolist() == ["val", "test"]
    sums = table.groupby(["split", "kind"])["crops"].sum()
    assert sums.tolist() == [36] * 10
    errors = table.groupby(["split", "kind"])["errors"].sum().groupby("split").nunique()
    assert errors.tolist() == [1, 1]  # whatever they are grouped by, the mistakes are the same


def test_measure_groups_of_a_location_gives_its_errors_and_its_average_precision() -> None:
    predictions = make_predictions(skill=0.5)
    table = measure_groups(predictions, make_crops(predictions), make_saturations(predictions), 0.05)
    here = predictions[predictions["crop_id"].str.startswith("island/place-2/")]
    scores = here[[PROBABILITY_PREFIX + label for label in LABELS]].to_numpy()
    truth = here["label"].to_numpy()[:, None] == np.array(LABELS)
    errors = int((scores.argmax(axis=1) != truth.argmax(axis=1)).sum())
    row = group_of(table, "location").loc["island/place-2"]
    assert (row["crops"], row["errors"], row["classes"]) == (len(here), errors, 3)
    assert row["error_rate"] == errors / len(here)
    assert row["macro_average_precision"] == pytest.approx(average_precision_score(truth, scores, average="macro"))


def test_measure_groups_by_light_divides_at_the_threshold_and_leaves_unreadable_pictures_unknown() -> None:
    predictions = make_predictions()
    test = (predictions["split"] == "test").to_numpy()
    saturation = pd.Series(np.where(np.arange(test.sum()) < 10, 0.049, 0.05)).mask(np.arange(test.sum()) > 30)
    rows = zip(predictions.loc[test, "crop_id"], saturation, strict=True)
    saturations = CropSaturations.of([(crop_id, value, None) for crop_id, value in rows])
    table = measure_groups(predictions, make_crops(predictions), shuffled(saturations), 0.05)
    assert group_of(table, "light")["crops"].to_dict() == {DAY: 21, NIGHT: 10, UNKNOWN: 5}
    assert group_of(table, "light", "val")["crops"].to_dict() == {UNKNOWN: 36}


@pytest.mark.parametrize(
    ("changes", "kind", "expected"),
    [
        ({"box_width": 31.9, "box_height": 8.0}, "size", "below 32 px"),
        ({"box_width": 10.0, "box_height": 32.0}, "size", "32 to 63 px"),
        ({"box_width": 4000.0, "box_height": 3000.0}, "size", "512 px and above"),
        ({"confidence": 0.2, "box_source": "detector"}, "confidence", "0.2 to 0.4"),
        ({"confidence": 1.0, "box_source": "detector"}, "confidence", "0.8 and above"),
        ({"confidence": 0.0, "box_source": "detector"}, "confidence", "below 0.2"),
        ({"confidence": 1.0, "box_source": "annotation"}, "confidence", "annotated box"),
        ({"datetime": pd.Timestamp("2026-02-28 23:59:59")}, "month", "2026-02"),
        ({"datetime": pd.NaT}, "month", UNKNOWN),
        ({"location": None}, "location", UNKNOWN),
        ({"location": "=cmd|x, \n'"}, "location", "island/=cmd|x, \n'"),
    ],
)
def test_measure_groups_names_the_group(changes: dict[str, Any], kind: str, expected: str) -> None:
    predictions = make_predictions()
    crops = Crops.validate(make_crops(predictions).assign(**changes))
    table = measure_groups(predictions, crops, make_saturations(predictions), 0.05)
    assert group_of(table, kind).index.tolist() == [expected]


def test_group_crops_of_a_location_called_unknown_keeps_it_apart_from_crops_without_one() -> None:
    locations = pd.Series(["unknown", None], dtype="str")
    crops = make_crops(make_predictions(crops=2, locations=1)).assign(location=locations)
    location = group_crops(crops, pd.Series([0.5, 0.5]), 0.05)[0]
    assert [location.names[code] for code in location.codes] == ["island/unknown", UNKNOWN]


def test_measure_groups_of_one_class_counts_errors_and_measures_no_average_precision() -> None:
    predictions = make_predictions(("fox",))
    table = measure_groups(predictions, make_crops(predictions), make_saturations(predictions), 0.05)
    assert table["macro_average_precision"].isna().all()
    assert table["classes"].unique().tolist() == [0]
    assert table["errors"].sum() == 0


def test_measure_groups_of_hostile_labels_and_shuffled_rows_is_the_same() -> None:
    predictions = make_predictions(HOSTILE_LABELS, crops=400, skill=0.5)
    crops, saturations = make_crops(predictions), make_saturations(predictions)
    expected = measure_groups(predictions, crops, saturations, 0.05)
    table = measure_groups(shuffled(predictions), shuffled(crops, 2), shuffled(saturations, 3), 0.05)
    pd.testing.assert_frame_equal(table, expected)


def test_measure_groups_without_held_out_crops_is_an_empty_table() -> None:
    predictions = make_predictions().query("split == 'train'")
    table = measure_groups(predictions, make_crops(predictions), make_saturations(predictions), 0.05)
    assert len(PerformanceByGroup.validate(table)) == 0
    empty = Predictions.validate(predictions.iloc[:0])
    assert len(measure_groups(empty, make_crops(empty), make_saturations(empty), 0.05)) == 0


def test_measure_groups_of_a_prediction_without_a_crop_says_what_to_run() -> None:
    predictions = make_predictions()
    with pytest.raises(InputError, match="predictions are of crops that are not in the table crops"):
        measure_groups(predictions, make_crops(predictions).iloc[3:], make_saturations(predictions), 0.05)
