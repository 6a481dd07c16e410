"""The nodes of the dataset split pipeline."""

import logging
from typing import Any

import pandas as pd

from animl_kedro.formats.calibration import ConfidenceCalibration
from animl_kedro.formats.camera_traps_classification import ClassificationFiles
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.label_specification import LabelMap
from animl_kedro.formats.location_splits import LocationSplits
from animl_kedro.formats.taxonomy import Taxonomy
from animl_kedro.pipelines.dataset_split import exports, labeling
from animl_kedro.pipelines.dataset_split.balance import absences, check_disjoint, split_balance
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.pipelines.dataset_split.splitting import divide
from animl_kedro.pipelines.dataset_split.weights import sample_weights

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


def assign_splits(
    labeled_crops: pd.DataFrame,
    image_files: pd.DataFrame,
    previous_splits: LocationSplits,
    fixed_test: LocationSplits,
    params: DatasetSplitParams,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Divide the locations among train, val and test, as close to the wanted fractions of every class as can be."""
    division = divide(labeled_crops, image_files, previous_splits, fixed_test, params)
    check_disjoint(labeled_crops, image_files, division.splits)
    for note in division.notes:
        logger.warning("%s", note)
    scores = division.scores
    logger.info(
        "%s; no location, sequence or file in two splits; %d locations make %d units (see joined_locations); distance "
        "from the wanted fractions %.4f%s",
        ", ".join(f"{count} crops {split}" for split, count in division.splits["split"].value_counts().items()),
        scores["locations"],
        scores["units"],
        scores["objective"],
        ""
        if scores["best_random_try"] is None
        else f", best of {params.tries} random tries {scores['best_random_try']:.4f}",
    )
    return division.splits, division.joined, scores


def summarize_splits(
    labeled_crops: pd.DataFrame, splits: pd.DataFrame, fixed_test: LocationSplits, params: DatasetSplitParams
) -> pd.DataFrame:
    """Count crops and locations of every class in every split, beside what was wanted."""
    summary = split_balance(labeled_crops, splits, fixed_test, params)
    for absence in absences(labeled_crops, summary):
        logger.warning("%s", absence)
    farthest = summary.iloc[int(summary["deviation"].abs().to_numpy().argmax())]
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
