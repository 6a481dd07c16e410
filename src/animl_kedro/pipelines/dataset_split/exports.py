"""The splits in the formats of other projects: CameraTraps' classification files, and animl-ml's file of each split."""

from collections.abc import Mapping

import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.formats.camera_traps_classification import ClassificationFiles, SplitLocations
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.split_cct import CROP_COLUMNS, split_cct
from animl_kedro.tables import ClassificationCrops, Split, with_splits


def classification_files(
    labeled_crops: pd.DataFrame, splits: pd.DataFrame, label_index: Mapping[str, str]
) -> ClassificationFiles:
    """What CameraTraps trains from: every labelled crop, sorted by id, the classes, and the locations of every split.

    Raises InputError where the tables are not of the same crops, or a location is in two splits.
    """
    crops = with_splits(labeled_crops, splits).sort_values("crop_id", ignore_index=True)
    rows = crops.rename(columns={"crop_id": "path", "dataset_label": "dataset_class"})
    rows = ClassificationCrops.validate(rows[list(ClassificationCrops.to_schema().columns)])
    return ClassificationFiles(rows, dict(label_index), _locations_of(crops))


def split_ccts(
    crops: pd.DataFrame, labeled_crops: pd.DataFrame, splits: pd.DataFrame, label_index: Mapping[str, str]
) -> dict[str, CctExport]:
    """One COCO Camera Traps file a split, with its crops sorted by id and their classes.

    Raises InputError where the tables are not of the same crops.
    """
    classes = with_splits(labeled_crops, splits)[["crop_id", "label", "split"]]
    rows = classes.merge(crops[CROP_COLUMNS], on="crop_id", validate="one_to_one")
    if len(rows) != len(classes):
        raise InputError(
            f"crops lacks {len(classes) - len(rows)} of the {len(classes)} labelled crops: it was made anew since. Run "
            "first: kedro run --pipeline=dataset_split"
        )
    rows = rows.sort_values("crop_id")
    return {
        split.value: split_cct(rows[rows["split"] == split], label_index, f"The crops of the split {split}")
        for split in Split
    }


def _locations_of(crops: pd.DataFrame) -> SplitLocations:
    """The (data set, location) of every split, sorted."""
    places = crops[["split", "dataset", "location"]].drop_duplicates().sort_values(["dataset", "location"])
    return {
        split.value: list(
            places.loc[places["split"] == split, ["dataset", "location"]].itertuples(index=False, name=None)
        )
        for split in Split
    }
