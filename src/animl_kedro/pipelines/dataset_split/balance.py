"""How the splits turned out: the promise that they share no location, and the counts beside what was wanted."""

from typing import Any

import pandas as pd

from animl_kedro.formats.location_splits import LocationSplits
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.tables import Split, SplitSummary, with_splits

MAX_NAMED = 5
"""How many locations a message names."""


def check_disjoint(labeled_crops: pd.DataFrame, image_files: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Raise AssertionError where a location, a sequence or a file is in two splits, or a crop in none."""
    split = labeled_crops["crop_id"].map(splits.set_index("crop_id")["split"])
    if split.isna().any():
        raise AssertionError(f"{int(split.isna().sum())} crops have no split")
    part, _ = pd.factorize(split)
    file = labeled_crops["image_id"].map(image_files.set_index("image_id")["checksum"])
    for what, keys in (
        ("locations", [labeled_crops["dataset"], labeled_crops["location"]]),
        ("sequences", [labeled_crops["dataset"], labeled_crops["sequence_id"]]),
        ("files", [file]),
    ):
        spread = pd.Series(part, labeled_crops.index).groupby(keys).agg(["min", "max"])
        if shared := spread.index[spread["min"] != spread["max"]].tolist():
            raise AssertionError(f"{what} in more than one split: {shared[:5]}")


def split_balance(
    labeled_crops: pd.DataFrame, splits: pd.DataFrame, fixed_test: LocationSplits, params: DatasetSplitParams
) -> pd.DataFrame:
    """A `SplitSummary`: one row a split and class, zeros included.

    A test that is fixed is wanted as it is; the others divide by their fractions what it leaves.
    """
    crops = with_splits(labeled_crops, splits)
    classes = sorted(crops["label"].unique())
    cells = pd.MultiIndex.from_product([list(Split), classes], names=["split", "label"])
    counts = crops.groupby(["split", "label"]).size().reindex(cells, fill_value=0)
    places = crops.drop_duplicates(["label", "dataset", "location"])
    locations = places.groupby(["split", "label"]).size().reindex(cells, fill_value=0)
    summary = pd.DataFrame({"crops": counts, "locations": locations}).reset_index()
    totals = summary.groupby("label")[["crops", "locations"]].transform("sum")
    summary = summary.assign(
        crop_share=summary["crops"] / totals["crops"], location_share=summary["locations"] / totals["locations"]
    )
    wanted = summary["split"].map(params.fractions)
    if fixed_test.source:
        is_test = summary["split"] == Split.TEST
        left = 1 - summary["label"].map(summary[is_test].set_index("label")["crop_share"])
        wanted = summary["crop_share"].where(is_test, left * wanted / (1 - params.fractions[Split.TEST]))
    summary = summary.assign(wanted_share=wanted, deviation=summary["crop_share"] - wanted)
    return SplitSummary.validate(summary[list(SplitSummary.to_schema().columns)])


def absences(labeled_crops: pd.DataFrame, summary: pd.DataFrame) -> list[str]:
    """A sentence for every class that is absent from a split: where the class is, and what can be changed."""
    absent = summary[summary["crops"] == 0].groupby("label", sort=True)["split"].agg(list)
    return [_absence(labeled_crops[labeled_crops["label"] == label], label, splits) for label, splits in absent.items()]


def _absence(crops: pd.DataFrame, label: Any, splits: list[Split]) -> str:
    names = sorted((crops["dataset"] + "/" + crops["location"]).unique())
    named = ", ".join(names[:MAX_NAMED]) + (f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else "")
    lost = [f"{'learned' if split == Split.TRAIN else 'measured'} in {split}" for split in splits]
    return (
        f"the class {label} cannot be {' or '.join(lost)}: its {len(crops)} crops are at {len(names)} locations "
        f"({named}), which could not be divided among all splits. Add locations with it, merge it with another class "
        "in the label map, or raise dataset_split.min_locations to leave it out."
    )
