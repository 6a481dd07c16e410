"""What the report says about how the classifier came about, from its own card."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from animl_kedro.tables import data_checksum


@dataclass(frozen=True)
class ModelCard:
    """Pairs of a name and a value.

    ``fits`` is false where the classifier was trained on other crops, classes or splits than those predicted: the card
    is of another classifier then, and nothing of it is shown. ``classifier`` is empty where there is no card.
    """

    data_checksum: str
    fits: bool
    classifier: Sequence[tuple[str, str]]
    parameters: Sequence[tuple[str, str]]


def read_card(card: Mapping[str, Any], predictions: pd.DataFrame) -> ModelCard:
    """The card of the classifier that made `Predictions`, or what is known without one."""
    checksum = data_checksum(predictions)
    trained_on = _at(card, "provenance", "training_data", "checksum")
    if trained_on not in (None, checksum):
        return ModelCard(checksum, fits=False, classifier=(), parameters=())
    classifier = [(name, _text(_at(card, *keys))) for name, keys in FACTS if _at(card, *keys) is not None]
    parameters = _at(card, "provenance", "parameters")
    return ModelCard(
        checksum,
        fits=True,
        classifier=classifier,
        parameters=[(_text(name), _text(value)) for name, value in parameters.items()]
        if isinstance(parameters, Mapping)
        else (),
    )


FACTS = (
    ("network", ("backbone",)),
    ("sees a crop at, pixels", ("preprocessing", "image_size")),
    ("temperature of its calibration", ("temperature",)),
    ("best epoch", ("provenance", "best", "epoch")),
    ("its macro average precision in validation", ("provenance", "best", "macro_average_precision")),
    ("training ended by", ("provenance", "training", "stopped")),
    ("trained on", ("provenance", "training", "device")),
    ("in precision", ("provenance", "training", "precision")),
    ("animl-kedro", ("provenance", "versions", "animl_kedro")),
    ("torch", ("provenance", "versions", "torch")),
    ("Python", ("provenance", "versions", "python")),
)
"""What is told of a classifier, and where it stands in its card."""


def flattened(parameters: Mapping[str, Any], group: str = "") -> list[tuple[str, str]]:
    """Pairs of a name and a value; what is in a group has the name of the group, and a dot, in front."""
    pairs = []
    for name, value in parameters.items():
        within = flattened(value, f"{group}{name}.") if isinstance(value, Mapping) else []
        pairs += within or [(f"{group}{name}", _text(value))]
    return pairs


def _at(card: object, *keys: str) -> Any:
    """What stands in nested dictionaries, or None where there is nothing."""
    for key in keys:
        if not isinstance(card, Mapping):
            return None
        card = card.get(key)
    return card


def _text(value: object) -> str:
    """A value as a person writes it in YAML, with no more digits than count.

    Half a surrogate pair, which JSON can have and no page, is a question mark.
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode(errors="replace").decode()
