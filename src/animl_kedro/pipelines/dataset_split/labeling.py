"""From the labels that crops came with to the classes of the classifier."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.tables import LabeledCrops, RejectedCrops


class Reason(StrEnum):
    """Why a crop takes no part."""

    NO_LOCATION = "no_location"
    UNMAPPED_LABEL = "unmapped_label"
    TOO_FEW_LOCATIONS = "too_few_locations"
    TOO_FEW_CROPS = "too_few_crops"


def class_of_label(label_map: Any) -> dict[str, str]:
    """Turn a label map, {class: [dataset label, …]}, into {dataset label: class}.

    Raises InputError where it is not of that form, or where a label is given to two classes.
    """
    if not isinstance(label_map, Mapping) or not label_map:
        raise InputError(f"label_map is {label_map!r}, expected {{class: [dataset label, …]}}.")
    classes: dict[str, str] = {}
    for name, labels in label_map.items():
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in [name, *labels]):
            raise InputError(
                f"label_map has {name!r}: {labels!r}, expected a class with a list of dataset labels, all text. "
                "YAML reads no, yes and numbers as something else: put them in quotes."
            )
        for label in labels:
            if classes.setdefault(label, name) != name:
                raise InputError(
                    f"label_map gives the label {label!r} to {classes[label]!r} and to {name!r}: choose one."
                )
    return classes


def label_crops(crops: pd.DataFrame, label_map: Any, params: DatasetSplitParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give every crop its class.

    Returns `LabeledCrops` of those that take part and `RejectedCrops` of the others, both sorted by id. Raises
    InputError where fewer than two classes are left.
    """
    crops = crops.sort_values("crop_id").rename(columns={"label": "dataset_label"})
    crops = crops.assign(label=crops["dataset_label"].map(class_of_label(label_map)))
    rejected = []
    for reason, is_out, detail in (
        (Reason.UNMAPPED_LABEL, lambda table: table["label"].isna(), "the label map has no class for its label"),
        (Reason.NO_LOCATION, lambda table: table["location"].isna(), "it could share its camera with another split"),
        (
            Reason.TOO_FEW_LOCATIONS,
            lambda table: _locations_of_class(table) < params.min_locations,
            f"its class is seen at fewer than {params.min_locations} locations",
        ),
        (
            Reason.TOO_FEW_CROPS,
            lambda table: table.groupby("label")["label"].transform("size") < params.min_crops,
            f"its class has fewer than {params.min_crops} crops",
        ),
    ):
        out = is_out(crops)
        rejected.append(crops.loc[out, ["crop_id", "dataset_label"]].assign(reason=reason.value, detail=detail))
        crops = crops[~out]
    rejected_table = pd.concat(rejected).sort_values("crop_id")
    if crops["label"].nunique() < 2:
        reasons = ", ".join(f"{n} {reason}" for reason, n in rejected_table["reason"].value_counts().items()) or "none"
        raise InputError(
            f"A classifier needs two classes, got {crops['label'].unique().tolist()} ({len(crops)} crops are left, "
            f"rejected are: {reasons}). Complete the label map, or lower dataset_split.min_locations or min_crops."
        )
    columns = list(LabeledCrops.to_schema().columns)
    return (
        LabeledCrops.validate(crops[columns].reset_index(drop=True)),
        RejectedCrops.validate(rejected_table.reset_index(drop=True)),
    )


def _locations_of_class(crops: pd.DataFrame) -> "pd.Series[int]":
    """For each crop, at how many locations its class is seen."""
    places = crops["dataset"] + "\0" + crops["location"]
    return places.groupby(crops["label"]).transform("nunique")
