"""The nodes of the reporting pipeline."""

import logging
from typing import Any

import pandas as pd

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.pipelines.reporting.confusion import count_pairs, square
from animl_kedro.pipelines.reporting.curves import trace_curves
from animl_kedro.pipelines.reporting.figures import confusion_figure, precision_recall_figure, split_figure
from animl_kedro.pipelines.reporting.measuring import measure, nested
from animl_kedro.pipelines.reporting.parameters import ReportingParams
from animl_kedro.pipelines.reporting.wording import SPLITS, rows_of, score
from animl_kedro.tables import Split

logger = logging.getLogger(__name__)


def measure_average_precision(predictions: pd.DataFrame, crops: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Measure average precision by class, and its means, in every split: as a table and as nested dictionaries."""
    average_precision = measure(predictions, crops)
    by_split = nested(average_precision)
    for split, numbers in by_split.items():
        if labels := numbers["not_measurable"]:
            logger.warning("no crop in the split %s, so nothing to measure there: %s", split, ", ".join(labels))
    logger.info(
        "macro average precision: %s",
        ", ".join(f"{split} {score(by_split[split]['macro'])}" for split in SPLITS if split in by_split) or "no crops",
    )
    return average_precision, by_split


def trace_precision_recall(predictions: pd.DataFrame) -> pd.DataFrame:
    """Trace precision and recall of every class over all thresholds."""
    curves = trace_curves(predictions)
    logger.info("%d points of %d curves", len(curves), len(curves[["split", "label"]].drop_duplicates()))
    return curves


def count_confusions(predictions: pd.DataFrame) -> pd.DataFrame:
    """Count how many crops of every class were taken for every class."""
    confusion_matrix = count_pairs(predictions)
    right = confusion_matrix[confusion_matrix["label"] == confusion_matrix["predicted"]]
    logger.info(
        "classified rightly: %s",
        ", ".join(
            f"{right.loc[right['split'] == split, 'crops'].sum()} of {counts.sum()} crops of {split}"
            for split, counts in confusion_matrix.groupby("split")["crops"]
        )
        or "no crops",
    )
    return confusion_matrix


def plot_precision_recall(
    precision_recall_curves: pd.DataFrame, average_precision: pd.DataFrame
) -> tuple[Any, dict[str, Any]]:
    """Draw the precision-recall curves: those of the test split as a picture, and those of all interactively."""
    # matplotlib takes half a second to import: only the nodes that draw pay for it
    from animl_kedro.pipelines.reporting.plots import plot_curves  # noqa: PLC0415

    figure = plot_curves(precision_recall_curves, average_precision)
    logger.info("drew the curves of %d classes", len(rows_of(average_precision, Split.TEST, "class")))
    return figure, precision_recall_figure(precision_recall_curves, average_precision)


def plot_confusions(confusion_matrix: pd.DataFrame) -> tuple[Any, dict[str, Any]]:
    """Draw the confusion matrix: that of the test split as a picture, and those of all interactively."""
    # matplotlib takes half a second to import: only the nodes that draw pay for it
    from animl_kedro.pipelines.reporting.plots import plot_matrix  # noqa: PLC0415

    figure = plot_matrix(confusion_matrix)
    logger.info("drew the confusion matrix of %d classes", len(square(confusion_matrix, Split.TEST)[0]))
    return figure, confusion_figure(confusion_matrix)


def plot_splits(average_precision: pd.DataFrame) -> dict[str, Any]:
    """Draw what the splits consist of, interactively."""
    figure = split_figure(average_precision)
    logger.info("drew the crops of %d splits", average_precision["split"].nunique())
    return figure


def write_report(
    average_precision: pd.DataFrame,
    precision_recall_curves: pd.DataFrame,
    confusion_matrix: pd.DataFrame,
    training_history: pd.DataFrame,
    predictions: pd.DataFrame,
    crops: pd.DataFrame,
    crop_images: ImageFolder,
    params: ReportingParams,
) -> str:
    """Write all results, with pictures of hits and mistakes, as one HTML page."""
    # jinja2 is for this node alone
    from animl_kedro.pipelines.reporting.rendering import render_report  # noqa: PLC0415

    report = render_report(
        average_precision,
        precision_recall_curves,
        confusion_matrix,
        training_history,
        predictions,
        crops,
        crop_images,
        params,
    )
    logger.info("wrote the report %r: one page of %.0f kB", params.title, len(report.encode()) / 1000)
    return report
