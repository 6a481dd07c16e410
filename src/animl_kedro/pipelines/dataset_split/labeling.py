"""From the labels that crops came with to the classes of the classifier."""

from collections.abc import Mapping
from enum import StrEnum
from functools import partial

import numpy as np
import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.formats.label_specification import LabelMap
from animl_kedro.formats.taxonomy import Taxonomy
from animl_kedro.pipelines.dataset_split.classes import classes_of_labels
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.pipelines.dataset_split.sampling import draw_evenly
from animl_kedro.tables import LabeledCrops, RejectedCrops


class Reason(StrEnum):
    """Why a crop takes no part."""

    NO_LOCATION = "no_location"
    UNMAPPED_LABEL = "unmapped_label"
    MIXED_IMAGE = "mixed_image"
    TOO_FEW_LOCATIONS = "too_few_locations"
    TOO_FEW_CROPS = "too_few_crops"
    OVER_MAXIMUM = "over_maximum"


def label_crops(
    crops: pd.DataFrame, label_map: LabelMap, taxonomy: Taxonomy, params: DatasetSplitParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give every crop its class.

    Returns `LabeledCrops` of those that take part and `RejectedCrops` of the others, both sorted by id. Raises
    InputError where the label map cannot be applied, or fewer than two classes are left.
    """
    crops = crops.sort_values("crop_id", ignore_index=True).rename(columns={"label": "dataset_label"})
    crops = crops.assign(label=_classes(crops, label_map, taxonomy))
    rejected = _rejected(crops, label_map, params)
    is_kept = np.ones(len(crops), dtype=bool)
    is_kept[rejected.index] = False
    kept = crops[is_kept]
    if kept["label"].nunique() < 2:
        reasons = ", ".join(f"{n} {reason}" for reason, n in rejected["reason"].value_counts().items()) or "none"
        raise InputError(
            f"A classifier needs two classes, got {kept['label'].unique().tolist()} ({len(kept)} crops are left, "
            f"rejected are: {reasons}). Complete the label map, or lower dataset_split.min_locations or min_crops."
        )
    return (
        LabeledCrops.validate(kept[list(LabeledCrops.to_schema().columns)].reset_index(drop=True)),
        RejectedCrops.validate(rejected.sort_index().reset_index(drop=True)),
    )


def check_account(crops: pd.DataFrame, labeled: pd.DataFrame, rejected: pd.DataFrame) -> None:
    """Raise AssertionError unless every crop is a row of one of the two tables, once."""
    ids = pd.concat([labeled["crop_id"], rejected["crop_id"]])
    if len(ids) != len(crops) or ids.duplicated().any():
        raise AssertionError(
            f"of {len(crops)} crops, {len(labeled)} are kept and {len(rejected)} rejected, {ids.nunique()} different "
            "ones: some are lost, or in both tables"
        )


def left_out_classes(rejected: pd.DataFrame) -> list[str]:
    """The classes that are left out whole, with their counts, in words; of `RejectedCrops`."""
    is_whole = rejected["reason"].isin([Reason.TOO_FEW_LOCATIONS, Reason.TOO_FEW_CROPS])
    return sorted(map(str, rejected.loc[is_whole, "detail"].unique()))


def _classes(crops: pd.DataFrame, label_map: LabelMap, taxonomy: Taxonomy) -> "pd.Series[str]":
    """The class of every crop, missing where the label map has none."""
    groups = crops.groupby(["dataset", "dataset_label"], sort=False)
    pairs = [(str(dataset), str(label)) for dataset, label in groups.size().index]
    class_of = classes_of_labels(pairs, label_map, taxonomy)
    names = np.array([class_of.get(pair) for pair in pairs], dtype=object)
    return pd.Series(names[groups.ngroup().to_numpy()], index=crops.index, dtype="str")


def _rejected(crops: pd.DataFrame, label_map: LabelMap, params: DatasetSplitParams) -> pd.DataFrame:
    """`RejectedCrops` by the rows' numbers in `crops`, of which each goes out for the first reason there is."""
    left = crops[["crop_id", "dataset", "image_id", "location", "label"]].assign(place=_places(crops))
    few_places = partial(_at_too_few_places, minimum=params.min_locations)
    rejected = []
    for reason, details_of in (
        (Reason.UNMAPPED_LABEL, _unmapped),
        (Reason.NO_LOCATION, _nowhere),
        (Reason.MIXED_IMAGE, partial(_mixed, crops=crops, params=params)),
        (Reason.TOO_FEW_LOCATIONS, few_places),
        (Reason.TOO_FEW_CROPS, partial(_too_few, minimum=params.min_crops)),
        (Reason.OVER_MAXIMUM, partial(_over_max_count, label_map=label_map, seed=params.seed)),
        (Reason.OVER_MAXIMUM, partial(_over_max_crops, label_map=label_map, params=params)),
        (Reason.TOO_FEW_LOCATIONS, few_places),  # where those that come first are all at a few locations
    ):
        details = details_of(left)
        left = left[~left.index.isin(details.index)]
        rejected.append(pd.DataFrame({"reason": reason.value, "detail": details}, index=details.index))
    return crops[["crop_id", "dataset_label"]].join(pd.concat(rejected), how="inner")


def _places(crops: pd.DataFrame) -> "pd.Series[int]":
    """A number for every crop's location, which two data sets do not share; -1 where it has none."""
    return crops.groupby(["dataset", "location"]).ngroup().fillna(-1).astype("int64")


# Each of these gives the details of the crops that go out, of those that are left, by the numbers of their rows.


def _unmapped(left: pd.DataFrame) -> "pd.Series[str]":
    return _details(left[left["label"].isna()], "the label map has no class for its label")


def _nowhere(left: pd.DataFrame) -> "pd.Series[str]":
    return _details(left[left["location"].isna()], "it could share its camera with another split")


def _mixed(left: pd.DataFrame, crops: pd.DataFrame, params: DatasetSplitParams) -> "pd.Series[str]":
    """Those of images that show several classes, among which every label without a class counts as one."""
    if params.mixed_images == "keep":
        return _details(left.iloc[:0], "")
    shown = crops[["image_id"]].assign(
        is_class=crops["label"].notna(), name=crops["label"].fillna(crops["dataset_label"])
    )
    images = shown.drop_duplicates()["image_id"]
    is_mixed = left["image_id"].isin(images[images.duplicated()])
    return _details(left[is_mixed], "its image shows another label besides, and dataset_split.mixed_images is drop")


def _at_too_few_places(left: pd.DataFrame, minimum: int) -> "pd.Series[str]":
    found = _counts(left)
    few = found[found["locations"] < minimum]
    return _details_by_class(left, _left_out(few, f"dataset_split.min_locations is {minimum}"))


def _too_few(left: pd.DataFrame, minimum: int) -> "pd.Series[str]":
    found = _counts(left)
    few = found[found["crops"] < minimum]
    return _details_by_class(left, _left_out(few, f"dataset_split.min_crops is {minimum}"))


def _over_max_count(left: pd.DataFrame, label_map: LabelMap, seed: int) -> "pd.Series[str]":
    """The label map's maxima are of images: of each that is drawn, all crops of the class are taken."""
    maximum = {name: rule.max_count for name, rule in label_map.classes.items() if rule.max_count is not None}
    limited = left[left["label"].isin(list(maximum))]
    image = limited.groupby(["label", "image_id"]).ngroup().to_numpy()
    _, rows, image_of_row = np.unique(image, return_index=True, return_inverse=True)
    images = _with_levels(limited.iloc[rows].assign(id=limited["image_id"].iloc[rows]), label_map)
    is_out = ~draw_evenly(images, maximum, seed)[image_of_row]
    found = images["label"].value_counts()
    return _details_by_class(
        limited[is_out],
        {name: f"{name} has {found.get(name, 0)} images, its max_count is {count}" for name, count in maximum.items()},
    )


def _over_max_crops(left: pd.DataFrame, label_map: LabelMap, params: DatasetSplitParams) -> "pd.Series[str]":
    maximum = params.max_crops_per_class
    if maximum is None:
        return _details(left.iloc[:0], "")
    found = left["label"].value_counts()
    limited = left[left["label"].isin(found.index[found > maximum])]
    units = _with_levels(limited.assign(id=limited["crop_id"]), label_map)
    is_out = ~draw_evenly(units, dict.fromkeys(map(str, found.index), maximum), params.seed)
    setting = f"dataset_split.max_crops_per_class is {maximum}"
    return _details_by_class(
        limited[is_out], {str(name): f"{name} has {n} crops, {setting}" for name, n in found.items()}
    )


def _with_levels(units: pd.DataFrame, label_map: LabelMap) -> pd.DataFrame:
    """With the column level: when the label map lets a data set's images of the class come, 0 being first."""
    groups = units.groupby(["label", "dataset"], sort=False)
    levels = [label_map.classes[str(name)].priority(str(dataset)) for name, dataset in groups.size().index]
    return units.assign(level=np.array(levels, dtype=np.int64)[groups.ngroup().to_numpy()])


def _counts(left: pd.DataFrame) -> pd.DataFrame:
    """Crops and locations by class."""
    groups = left.groupby("label")["place"]
    return pd.DataFrame({"crops": groups.size(), "locations": groups.nunique()})


def _left_out(few: pd.DataFrame, setting: str) -> dict[str, str]:
    """For each of these classes, why it is left out."""
    rows = zip(few.index, few["crops"], few["locations"], strict=True)
    return {str(name): f"{name} has {n} crops at {places} locations, {setting}" for name, n, places in rows}


def _details(out: pd.DataFrame, detail: str) -> "pd.Series[str]":
    return pd.Series(detail, index=out.index, dtype="str")


def _details_by_class(left: pd.DataFrame, details: Mapping[str, str]) -> "pd.Series[str]":
    """The details of the crops of those classes that have any."""
    return left["label"].map(pd.Series(details, dtype="str")).dropna()
