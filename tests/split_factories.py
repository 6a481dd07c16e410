"""Labelled crops with their splits, for the tests of what is made of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from animl_kedro.tables import BoxSource, Crops, LabeledCrops, Split, Splits
from crop_factories import make_crops

STRANGE_LOCATIONS = (
    "007",
    "7",
    "7.0",
    "NA",
    "None",
    "",
    "nan",
    "true",
    " 1",
    "1e5",
    "'007",
    "'NA",
    "'Ōhi'a",
    'a "b", c',
)
"""Names that pandas takes for something else, names beside which these must not fall, and quotation marks."""

STRANGE_CLASSES = ("NA", "1", "fox, grey", "50%", "%2C")


class SplitTables(NamedTuple):
    """The tables that the exports are made of."""

    crops: pd.DataFrame
    labeled: pd.DataFrame
    splits: pd.DataFrame
    label_index: dict[str, str]


def split_tables(crops: pd.DataFrame) -> SplitTables:
    """Every crop labelled as it came; the locations go to train, train, val and test in turn."""
    labeled = LabeledCrops.validate(
        crops.assign(dataset_label=crops["label"])[list(LabeledCrops.to_schema().columns)].reset_index(drop=True)
    )
    turn = labeled.groupby(["dataset", "location"]).ngroup() % 4
    names = np.array([Split.TRAIN, Split.TRAIN, Split.VAL, Split.TEST])
    splits = Splits.validate(pd.DataFrame({"crop_id": labeled["crop_id"], "split": names[turn], "fold": pd.NA}))
    index = {str(number): label for number, label in enumerate(sorted(labeled["label"].unique()))}
    return SplitTables(crops, labeled, splits, index)


def strange_crops(crops: int = 400) -> pd.DataFrame:
    """Crops of classes and at locations whose names look like something else, in boxes of all sizes."""
    rng = np.random.default_rng(1)
    table = make_crops(crops=crops)
    number = np.arange(crops)
    left, top = rng.integers(0, 1000, crops), rng.integers(0, 700, crops)
    width, height = rng.integers(1, 920, crops), rng.integers(1, 380, crops)
    sources = np.where(number % 3 == 0, BoxSource.DETECTOR, BoxSource.ANNOTATION)
    return Crops.validate(
        table.assign(
            location=_in_turn(STRANGE_LOCATIONS, crops),
            label=_in_turn(STRANGE_CLASSES, crops),
            dataset=np.where(number % 2 == 0, "island", "1"),
            image_id=[f"island:{number // 2}" for number in range(crops)],  # two crops an image
            image_path=[f"island/{number // 2}.jpg" for number in range(crops)],
            annotation_id=table["annotation_id"].where(sources == BoxSource.ANNOTATION, None),
            box_source=sources,
            confidence=rng.uniform(0.1, 1, crops),
            datetime=pd.Series(pd.Timestamp("2024-05-06 07:08:09"), index=table.index).where(number % 5 > 0, None),
            **{"box_left": left, "box_top": top, "box_width": width, "box_height": height},
            **{"relative_left": left / 1920, "relative_top": top / 1080},
            **{"relative_width": width / 1920, "relative_height": height / 1080},
        )
    )


def _in_turn(names: Sequence[str], count: int) -> list[str]:
    return [names[number % len(names)] for number in range(count)]
