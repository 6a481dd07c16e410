"""Sequences: whose crops are one visit, and what is drawn together."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from animl_kedro.pipelines.reporting.measuring import measure
from animl_kedro.pipelines.reporting.sequences import by_sequence
from animl_kedro.pipelines.reporting.units import image_units, location_units
from animl_kedro.tables import AveragePrecision
from reporting_factories import PARAMS, make_crops, make_predictions, shuffled


def make_case(sequences: Any, labels: list[str], **columns: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A crop a sequence's name, all in the test split, each the only one of its image."""
    predictions = make_predictions(crops=len(sequences)).assign(split="test", label=labels)
    crops = make_crops(predictions)
    images = [f"image {number}" for number in range(len(crops))]
    return predictions, crops.assign(sequence_id=sequences, image_id=images, location="bay", **columns)


def test_visit_has_the_mean_of_the_probabilities_of_its_crops() -> None:
    predictions, crops = make_case(["s", "s", "s", "t"], ["fox", "fox", "fox", "fox"])
    visits, _ = by_sequence(predictions, crops)
    of_three = predictions.loc[:2, "probability_fox"].mean()
    assert visits["probability_fox"].tolist() == pytest.approx([of_three, predictions.loc[3, "probability_fox"]])
    assert visits.filter(like="probability_").sum(axis=1).tolist() == pytest.approx([1, 1])


def test_sequence_of_two_classes_is_two_visits_that_are_drawn_together() -> None:
    predictions, crops = make_case(["s", "s", "s", "t"], ["fox", "fox", "bird", "bird"])
    visits, origins = by_sequence(predictions, crops)
    assert visits["label"].tolist() == ["bird", "fox", "bird"]
    assert image_units(origins).tolist() == [0, 0, 1]
    assert visits["crop_id"].is_unique


def test_crops_without_a_sequence_are_a_visit_an_image() -> None:
    predictions, crops = make_case([None] * 4, ["fox"] * 4)
    crops["image_id"] = ["a", "a", "b", "c"]
    visits, origins = by_sequence(predictions, crops)
    assert len(visits) == 3
    assert origins["sequence_id"].isna().all()


def test_sequences_of_one_name_in_two_datasets_are_two() -> None:
    predictions, crops = make_case(["1", "1"], ["fox", "fox"], dataset=["first", "second"])
    assert len(by_sequence(predictions, crops)[0]) == 2


def test_sequence_named_as_an_image_is_not_that_image() -> None:
    predictions, crops = make_case(["image 1", None], ["fox", "fox"])
    assert len(by_sequence(predictions, crops)[0]) == 2


def test_visit_at_two_locations_counts_for_the_first() -> None:
    predictions, crops = make_case(["s", "s", "s"], ["fox"] * 3)
    crops["location"] = ["north", None, "east"]
    assert by_sequence(predictions, crops)[1]["location"].tolist() == ["east"]


def test_visits_of_shuffled_rows_are_the_same_to_the_last_digit() -> None:
    predictions = make_predictions(crops=300)
    crops = make_crops(predictions)
    crops["sequence_id"] = crops["location"] + pd.Series(np.arange(300) // 45).astype(str)
    for first, second in zip(
        by_sequence(predictions, crops), by_sequence(shuffled(predictions), shuffled(crops, 2)), strict=True
    ):
        pd.testing.assert_frame_equal(first, second)


def test_measure_of_visits_counts_visits_and_locations() -> None:
    predictions = make_predictions(crops=108, locations=9)
    crops = make_crops(predictions)
    crops["sequence_id"] = crops["location"] + crops["label"]  # a crop's place and label are in three-crop bursts
    table = measure(*by_sequence(predictions, crops), PARAMS)
    test = AveragePrecision.validate(table).query("split == 'test'").set_index("label")
    counts = test[["crops", "positives", "locations"]].T.to_dict("list")
    assert counts["macro"] == [9, 9, 3]
    assert counts["fox"] == [9, 3, 3]


def test_measure_of_no_visits_is_empty() -> None:
    predictions = make_predictions()
    table = measure(*by_sequence(predictions.iloc[:0], make_crops(predictions)), PARAMS)
    assert len(table) == 0


def test_location_units_are_locations_of_a_dataset_else_sequences_else_images() -> None:
    origins = pd.DataFrame(
        {
            "dataset": ["a", "b", "a", "a", "a", "a", "a"],
            "location": ["bay", "bay", "bay", None, None, None, None],
            "sequence_id": [None, None, "s", "bay", "bay", None, None],
            "image_id": ["1", "2", "3", "4", "5", "bay", "7"],
        }
    )
    assert location_units(origins).tolist() == [0, 4, 0, 1, 1, 3, 2]
    assert location_units(origins.iloc[::-1]).tolist() == [2, 3, 1, 1, 0, 4, 0]
