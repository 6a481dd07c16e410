"""Labels that are probably wrong."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from animl_kedro.pipelines.reporting.label_errors import confident_thresholds, find_label_errors, suspects
from animl_kedro.pipelines.reporting.scores import ClassScores
from animl_kedro.tables import PROBABILITY_PREFIX, LabelErrors, Predictions, Split
from reporting_factories import HOSTILE_LABELS, LABELS, make_crops, make_predictions, shuffled

HELD_OUT = (Split.VAL, Split.TEST)


def with_wrong_labels(predictions: pd.DataFrame, rows: list[int], label: str) -> pd.DataFrame:
    return predictions.assign(label=predictions["label"].mask(predictions.index.isin(rows), label))


def by_definition(truth: list[int], probabilities: list[list[float]], classes: int) -> dict[int, int]:
    """{row: class} as the paper has it, crop by crop: the likeliest of the classes at or above their mean."""
    means = {}
    for label in range(classes):
        own = [row[label] for row, of in zip(probabilities, truth, strict=True) if of == label]
        if own:
            means[label] = sum(own) / len(own)
    found = {}
    for number, (row, of) in enumerate(zip(probabilities, truth, strict=True)):
        confident = [label for label in means if row[label] >= means[label] - 1e-9]
        if confident:
            likeliest = max(confident, key=lambda label: (row[label], -label))  # of equal ones the first
            if likeliest != of and row[likeliest] > row[of]:
                found[number] = likeliest
    return found


@given(
    st.integers(1, 4).flatmap(
        lambda classes: st.tuples(
            st.just(classes),
            st.lists(
                st.tuples(st.integers(0, classes - 1), st.lists(st.integers(0, 8), min_size=classes, max_size=classes))
            ),
        )
    )
)
def test_suspects_are_those_of_the_definition(case: tuple[int, list[tuple[int, list[int]]]]) -> None:
    classes, crops = case
    truth = [label for label, _ in crops]
    probabilities = [[value / 8 for value in row] for _, row in crops]
    labels = [str(number) for number in range(classes)]
    scores = ClassScores(labels, np.array(truth, dtype=np.intp), np.array(probabilities).reshape(len(crops), classes))
    found = suspects(scores, confident_thresholds([scores]))
    assert dict(zip(found.rows.tolist(), found.predicted.tolist(), strict=True)) == by_definition(
        truth, probabilities, classes
    )


def test_find_label_errors_of_labels_that_were_changed_finds_them_and_nothing_else() -> None:
    right = make_predictions(skill=8)
    wrong = [index for index in (1, 2, 40, 41, 100) if right.loc[index, "label"] != "skunk"]
    predictions = with_wrong_labels(right, wrong, "skunk")
    held_out = predictions.loc[wrong].query("split != 'train'")
    table = find_label_errors(predictions, make_crops(predictions), HELD_OUT)
    LabelErrors.validate(table)
    assert set(table["crop_id"]) == set(held_out["crop_id"])
    assert table["label"].unique().tolist() == ["skunk"]
    assert (
        table.set_index("crop_id")["predicted"].to_dict()
        == right.set_index("crop_id").loc[held_out["crop_id"], "label"].to_dict()
    )
    assert table["margin"].is_monotonic_decreasing
    assert table["margin"].tolist() == pytest.approx((table["confidence"] - table["label_probability"]).tolist())


def test_find_label_errors_of_three_in_a_hundred_finds_half_of_them_and_little_else() -> None:
    right = make_predictions(crops=9000, locations=60, skill=3)
    flipped = right.index[np.random.default_rng(1).random(len(right)) < 0.03]
    following = right["label"].map(dict(zip(LABELS, [*LABELS[1:], LABELS[0]], strict=True)))
    predictions = right.assign(label=right["label"].mask(right.index.isin(flipped), following))
    wrong = predictions.loc[flipped].query("split != 'train'")["crop_id"]
    table = find_label_errors(predictions, make_crops(predictions), HELD_OUT)
    found = table["crop_id"].isin(wrong)
    assert found.sum() > 0.5 * len(wrong)
    assert found.mean() > 0.8


def test_find_label_errors_tells_what_animl_knows_the_crop_by() -> None:
    predictions = with_wrong_labels(make_predictions(skill=8), [1, 2], "skunk")
    crops = make_crops(predictions).assign(
        annotation_id="a-1", image_path="island/project/camera/=1.jpg", label="striped skunk"
    )
    crops = crops.assign(datetime=crops["datetime"].where(crops.index < 0))
    row = find_label_errors(predictions, crops, HELD_OUT).iloc[0]
    assert row["dataset"] == "island"
    assert row["image_id"].startswith("image-")
    assert (row["annotation_id"], row["file_name"]) == ("a-1", "project/camera/=1.jpg")
    assert (row["dataset_label"], row["label"]) == ("striped skunk", "skunk")
    assert row["location"].startswith("place-")
    assert pd.isna(row["datetime"])


@pytest.mark.parametrize("splits", [(Split.TEST,), (Split.TRAIN,), (), tuple(Split)])
def test_find_label_errors_looks_at_the_wanted_splits_alone(splits: tuple[Split, ...]) -> None:
    predictions = with_wrong_labels(make_predictions(skill=8), list(range(0, 108, 4)), "skunk")
    table = find_label_errors(predictions, make_crops(predictions), splits)
    assert set(table["split"]) == set(splits)


def test_find_label_errors_takes_no_threshold_from_the_training() -> None:
    predictions = with_wrong_labels(make_predictions(skill=3), list(range(0, 108, 5)), "skunk")
    train = predictions["split"] == "train"
    uniform = {PROBABILITY_PREFIX + label: 1 / 3 for label in LABELS}
    other = predictions.assign(**{name: predictions[name].mask(train, value) for name, value in uniform.items()})
    table, same = (find_label_errors(each, make_crops(each), (Split.TEST,)) for each in (predictions, other))
    assert len(table)
    pd.testing.assert_frame_equal(same, table)


def test_find_label_errors_of_shuffled_rows_and_hostile_labels_is_the_same() -> None:
    predictions = make_predictions(HOSTILE_LABELS, crops=400, skill=1)
    crops = make_crops(predictions)
    table = find_label_errors(predictions, crops, HELD_OUT)
    assert len(table)
    pd.testing.assert_frame_equal(find_label_errors(shuffled(predictions), shuffled(crops, 2), HELD_OUT), table)


@pytest.mark.parametrize("labels", [("fox",), LABELS])
def test_find_label_errors_of_one_class_or_of_no_held_out_crop_finds_nothing(labels: tuple[str, ...]) -> None:
    predictions = make_predictions(labels)
    if len(labels) > 1:
        predictions = predictions.query("split == 'train'")
    assert len(find_label_errors(predictions, make_crops(predictions), tuple(Split))) == 0
    empty = Predictions.validate(predictions.iloc[:0])
    assert len(LabelErrors.validate(find_label_errors(empty, make_crops(empty), tuple(Split)))) == 0
