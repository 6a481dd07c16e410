"""The nodes of the dataset split pipeline."""

import logging
from typing import Any

import numpy as np
import pandas as pd

from animl_kedro.formats.calibration import ConfidenceCalibration
from animl_kedro.formats.camera_traps_classification import ClassificationFiles
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.label_specification import LabelMap
from animl_kedro.formats.taxonomy import Taxonomy
from animl_kedro.pipelines.dataset_split import exports, labeling
from animl_kedro.pipelines.dataset_split.balance import check_disjoint, split_balance
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.pipelines.dataset_split.splitting import SplitProblem, assign_locations, objective
from animl_kedro.pipelines.dataset_split.weights import sample_weights
from animl_kedro.tables import Split, Splits

logger = logging.getLogger(__name__)


def label_crops(
    crops: pd.DataFrame, label_map: LabelMap, taxonomy: Taxonomy, params: DatasetSplitParams
) -> tuple[pd.DataFrame, dict[str, str], pd.DataFrame]:
    """Turn dataset labels into classes, and leave out classes that are too rare to be measured."""
    labeled, rejected = labeling.label_crops(crops, label_map, taxonomy, params)
    labeling.check_account(crops, labeled, rejected)
    classes = sorted(labeled["label"].unique())
    logger.info(
        "kept %d of %d crops, of %d classes (%s); %d rejected (%s): see rejected_crops",
        len(labeled),
        len(crops),
        len(classes),
        _counts(labeled["label"]),
        len(rejected),
        _counts(rejected["reason"]) or "none",
    )
    if left_out := labeling.left_out_classes(rejected):
        logger.warning("classes left out: %s", "; ".join(left_out))
    if without := _counts(rejected.loc[rejected["reason"] == labeling.Reason.UNMAPPED_LABEL, "dataset_label"]):
        logger.info("labels without a class: %s", without)
    return labeled, {str(index): label for index, label in enumerate(classes)}, rejected


def assign_splits(labeled_crops: pd.DataFrame, params: DatasetSplitParams) -> pd.DataFrame:
    """Divide the locations among train, val and test, as close to the wanted fractions of every class as can be."""
    crops = labeled_crops.sort_values("crop_id")
    place = crops.groupby(["dataset", "location"]).ngroup().rename("place")
    counts = pd.crosstab(place, crops["label"])
    problem = SplitProblem(counts.to_numpy(), np.array(list(params.fractions.values())))
    assignment = assign_locations(problem, params.tries, np.random.default_rng(params.seed))
    split_of_crop = np.array(list(Split))[assignment[place]]
    splits = pd.DataFrame({"crop_id": crops["crop_id"], "split": split_of_crop, "fold": pd.NA})
    check_disjoint(labeled_crops, splits)
    logger.info(
        "%s; no location in two splits, distance from the wanted fractions %.4f",
        ", ".join(f"{int((assignment == i).sum())} locations {split}" for i, split in enumerate(Split)),
        objective(problem, assignment),
    )
    return Splits.validate(splits.reset_index(drop=True))


def summarize_splits(labeled_crops: pd.DataFrame, splits: pd.DataFrame, params: DatasetSplitParams) -> pd.DataFrame:
    """Count crops and locations of every class in every split, beside what was wanted."""
    summary = split_balance(labeled_crops, splits, params)
    for row in summary[summary["crops"] == 0].itertuples():
        logger.warning(
            "the class %s has no crop in the split %s, so it cannot be %s there: its %d locations could not be divided "
            "among all splits. Add locations with it, merge it with another class, or raise "
            "dataset_split.min_locations.",
            row.label,
            row.split,
            "learned" if row.split == Split.TRAIN else "measured",
            summary.loc[summary["label"] == row.label, "locations"].sum(),
        )
    deviation = (summary["crop_share"] - summary["wanted_share"]).abs()
    farthest = summary.iloc[int(deviation.to_numpy().argmax())]
    logger.info(
        "farthest from wanted: %s has %.0f %% of the crops of %s, wanted %.0f %%",
        farthest["split"],
        100 * farthest["crop_share"],
        farthest["label"],
        100 * farthest["wanted_share"],
    )
    return summary


def _counts(names: "pd.Series[str]") -> str:
    """How often each of these names is there, in words, the most frequent first."""
    return ", ".join(f"{count} {name}" for name, count in names.value_counts().items())


def plot_splits(split_summary: pd.DataFrame) -> Any:
    """Draw how many crops of every class are in which split."""
    # matplotlib takes half a second to import: only this node pays for it
    from animl_kedro.pipelines.dataset_split.plots import plot_split_balance  # noqa: PLC0415

    figure = plot_split_balance(split_summary)
    logger.info("drew the balance of %d classes", split_summary["label"].nunique())
    return figure


def weigh_crops(
    labeled_crops: pd.DataFrame, splits: pd.DataFrame, confidence_calibration: ConfidenceCalibration
) -> pd.DataFrame:
    """Weigh the training crops by class and by the confidence of their detection."""
    weights = sample_weights(labeled_crops, splits, confidence_calibration)
    logger.info(
        "weighed %d training crops; by class %.2f to %.2f, by confidence %.2f to %.2f",
        len(weights),
        *weights["label_weight"].agg(["min", "max"]),
        *weights["confidence_weight"].agg(["min", "max"]),
    )
    return weights


def export_classification_files(
    labeled_crops: pd.DataFrame, splits: pd.DataFrame, label_index: dict[str, str]
) -> ClassificationFiles:
    """Put together what CameraTraps' train_classifier.py reads."""
    files = exports.classification_files(labeled_crops, splits, label_index)
    counts = ", ".join(f"{len(places)} locations {split}" for split, places in files.splits.items())
    logger.info("CameraTraps' files: %d crops of %d classes, %s", len(files.crops), len(files.label_index), counts)
    return files


def export_split_ccts(
    crops: pd.DataFrame, labeled_crops: pd.DataFrame, splits: pd.DataFrame, label_index: dict[str, str]
) -> dict[str, CctExport]:
    """Put together a COCO Camera Traps file of each split, as animl-ml trains from."""
    ccts = exports.split_ccts(crops, labeled_crops, splits, label_index)
    logger.info("COCO Camera Traps: %s", ", ".join(f"{len(cct.images)} crops {split}" for split, cct in ccts.items()))
    return ccts
