"""What the report tells of the classifier."""

from typing import Any

import pytest

from animl_kedro.pipelines.reporting.model_card import read_card
from animl_kedro.tables import data_checksum
from reporting_factories import make_predictions, shuffled


def make_card(**provenance: Any) -> dict[str, Any]:
    return {
        "backbone": "efficientnet-b0",
        "labels": ["fox"],
        "temperature": 0.865387,
        "preprocessing": {"image_size": 96},
        "provenance": {"parameters": {"epochs": 25, "weights": "none", "folds": False, "learning_rate": 0.0015}}
        | provenance,
    }


def test_card_of_the_predictions_tells_network_parameters_and_data() -> None:
    predictions = make_predictions()
    checksum = data_checksum(predictions)
    card = read_card(make_card(training_data={"checksum": checksum}), shuffled(predictions))
    assert (card.data_checksum, card.fits) == (checksum, True)
    assert card.classifier[:2] == [("network", "efficientnet-b0"), ("sees a crop at, pixels", "96")]
    assert dict(card.classifier)["temperature of its calibration"] == "0.8654"
    assert card.parameters == [("epochs", "25"), ("weights", "none"), ("folds", "false"), ("learning_rate", "0.0015")]


def test_card_of_another_classifier_is_not_shown() -> None:
    card = read_card(make_card(training_data={"checksum": "0123456789abcdef"}), make_predictions())
    assert not card.fits
    assert card.classifier == card.parameters == ()


def test_card_that_does_not_tell_its_data_is_believed() -> None:
    assert read_card(make_card(), make_predictions()).fits


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"provenance": None},
        {"provenance": [1]},
        {"backbone": None, "provenance": {"parameters": "none", "best": 3}},
        {"preprocessing": "<script>", "provenance": {"parameters": None}},
    ],
)
def test_card_with_little_or_nothing_in_it_is_no_fault(card: dict[str, Any]) -> None:
    found = read_card(card, make_predictions())
    assert found.fits
    assert list(found.classifier) == list(found.parameters) == []


def test_card_with_half_a_surrogate_pair_can_be_written_into_a_page() -> None:
    card = read_card({"backbone": "b\ud800", "provenance": {"parameters": {"\ud800": ["\ud800"]}}}, make_predictions())
    assert card.classifier == [("network", "b?")]
    assert card.parameters == [("?", '["?"]')]
