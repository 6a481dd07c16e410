"""How the splits turned out: the promise that they share no location, and the counts beside what was wanted."""

import pandas as pd

from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.tables import Split, SplitSummary, with_splits


def check_disjoint(labeled_crops: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Raise AssertionError where a location, or a crop without a split, breaks the promise of every split."""
    crops = labeled_crops.merge(splits, on="crop_id", how="left", validate="one_to_one")
    if crops["split"].isna().any():
        raise AssertionError(f"{int(crops['split'].isna().sum())} crops have no split")
    splits_of_location = crops.groupby(["dataset", "location"])["split"].nunique()
    if shared := splits_of_location.index[splits_of_location > 1].tolist():
        raise AssertionError(f"locations in more than one split: {shared[:5]}")


def split_balance(labeled_crops: pd.DataFrame, splits: pd.DataFrame, params: DatasetSplitParams) -> pd.DataFrame:
    """A `SplitSummary`: one row a split and class, zeros included."""
    crops = with_splits(labeled_crops, splits)
    classes = sorted(crops["label"].unique())
    cells = pd.MultiIndex.from_product([list(Split), classes], names=["split", "label"])
    counts = crops.groupby(["split", "label"]).size().reindex(cells, fill_value=0)
    places = crops.drop_duplicates(["label", "dataset", "location"])
    locations = places.groupby(["split", "label"]).size().reindex(cells, fill_value=0)
    summary = pd.DataFrame({"crops": counts, "locations": locations}).reset_index()
    totals = summary.groupby("label")[["crops", "locations"]].transform("sum")
    summary = summary.assign(
        wanted_share=summary["split"].map(params.fractions),
        crop_share=summary["crops"] / totals["crops"],
        location_share=summary["locations"] / totals["locations"],
    )
    summary = summary.assign(deviation=summary["crop_share"] - summary["wanted_share"])
    return SplitSummary.validate(summary)
