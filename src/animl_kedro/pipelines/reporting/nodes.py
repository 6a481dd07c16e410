"""The nodes of the reporting pipeline."""

import logging
from typing import Any

import pandas as pd

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.formats.earlier_predictions import EarlierPredictions
from animl_kedro.pipelines.reporting.comparing import compare, pair_up
from animl_kedro.pipelines.reporting.confusion import count_pairs, square
from animl_kedro.pipelines.reporting.curves import trace_curves
from animl_kedro.pipelines.reporting.figures import (
    confusion_figure,
    precision_recall_figure,
    reliability_figure,
    split_figure,
)
from animl_kedro.pipelines.reporting.groups import measure_groups
from animl_kedro.pipelines.reporting.label_errors import find_label_errors
from animl_kedro.pipelines.reporting.measuring import measure, nested
from animl_kedro.pipelines.reporting.metrics import bin_confidences, score_by_class
from animl_kedro.pipelines.reporting.parameters import ReportingParams
from animl_kedro.pipelines.reporting.promotion import promote
from animl_kedro.pipelines.reporting.saturation import measure_saturations
from animl_kedro.pipelines.reporting.scores import HELD_OUT
from animl_kedro.pipelines.reporting.sequences import by_sequence
from animl_kedro.pipelines.reporting.summary import summarize
from animl_kedro.pipelines.reporting.thresholds import animl_thresholds, recommend, refused_by_animl
from animl_kedro.pipelines.reporting.wording import SPLITS, rows_of, score
from animl_kedro.tables import Comparison, CropSaturations, GroupKind, Split, ThresholdOutcome

logger = logging.getLogger(__name__)


def measure_average_precision(
    predictions: pd.DataFrame, crops: pd.DataFrame, params: ReportingParams
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Measure average precision by class, and its means, in every split, and how sure it is.

    Intervals are by bootstrap over locations, and over images to show the difference.
    """
    average_precision = measure(predictions, crops, params)
    by_split = nested(average_precision)
    for split, numbers in by_split.items():
        if labels := numbers["not_measurable"]:
            logger.warning("no crop in the split %s, so nothing to measure there: %s", split, ", ".join(labels))
    logger.info("macro average precision of crops: %s", _macro(average_precision))
    return average_precision, by_split


def measure_sequences(predictions: pd.DataFrame, crops: pd.DataFrame, params: ReportingParams) -> pd.DataFrame:
    """Measure the same of sequences: the crops of a class in a burst are one visit, with their mean probabilities."""
    average_precision = measure(*by_sequence(predictions, crops), params)
    logger.info("macro average precision of sequences: %s", _macro(average_precision))
    return average_precision


def score_classes(predictions: pd.DataFrame) -> pd.DataFrame:
    """Measure precision, recall and F1 of every class, where every crop is given to its likeliest class."""
    class_scores = score_by_class(predictions)
    never = class_scores[(class_scores["predicted"] == 0) & (class_scores["positives"] > 0)]
    logger.info(
        "precision, recall and F1 of %d classes; never predicted in test: %s",
        class_scores["label"].nunique(),
        ", ".join(never.loc[never["split"] == Split.TEST, "label"]) or "none",
    )
    return class_scores


def measure_reliability(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compare how sure the classifier is with how often it is right, in bins of its confidence."""
    reliability = bin_confidences(predictions)
    logger.info("%d bins of confidence have crops", (reliability["crops"] > 0).sum())
    return reliability


def summarize_metrics(
    predictions: pd.DataFrame,
    crops: pd.DataFrame,
    average_precision: pd.DataFrame,
    sequence_average_precision: pd.DataFrame,
    params: ReportingParams,
) -> dict[str, Any]:
    """Put all metrics of crops and of sequences into one file: average precision, accuracies, losses, calibration."""
    metrics = {
        "crops": summarize(predictions, crops, average_precision, params),
        "sequences": summarize(*by_sequence(predictions, crops), sequence_average_precision, params),
    }
    logger.info(
        "accuracy: %s",
        ", ".join(f"{split} {numbers['accuracy']['value']:.3f}" for split, numbers in metrics["crops"].items())
        or "no crops",
    )
    return metrics


def _macro(average_precision: pd.DataFrame) -> str:
    """The macro average precision of every split with its interval, for the log."""
    columns = ["average_precision", "low", "high"]
    macro = average_precision[(average_precision["kind"] == "mean") & (average_precision["label"] == "macro")]
    rows = macro.set_index("split")[columns].T.to_dict("list")
    texts = [f"{split} {{}} ({{}} to {{}})".format(*map(score, rows[split])) for split in SPLITS if split in rows]
    return ", ".join(texts) or "no crops"


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


def measure_crop_saturations(predictions: pd.DataFrame, crop_images: ImageFolder) -> pd.DataFrame:
    """Measure how colourful the pictures of the held-out crops are: those that are taken by night are grey."""
    held_out = predictions.loc[predictions["split"].isin(HELD_OUT), "crop_id"]
    saturations = CropSaturations.of(measure_saturations(sorted(held_out), crop_images))
    unread = saturations[saturations["fault"].notna()]
    if len(unread):
        first = unread.iloc[0]
        logger.warning(
            "%d of %d pictures of crops cannot be read, and count as neither day nor night; the first is %r: %s",
            len(unread),
            len(saturations),
            first["crop_id"],
            first["fault"],
        )
    logger.info("measured the saturation of %d crops", len(saturations) - len(unread))
    return saturations


def measure_performance_by_group(
    predictions: pd.DataFrame, crops: pd.DataFrame, crop_saturations: pd.DataFrame, params: ReportingParams
) -> pd.DataFrame:
    """Measure errors and average precision by location, day and night, size, detection confidence and month."""
    groups = measure_groups(predictions, crops, crop_saturations, params.groups.night_saturation)
    light = groups[(groups["split"] == Split.TEST) & (groups["kind"] == GroupKind.LIGHT)]
    logger.info(
        "errors in test: %s",
        ", ".join(
            f"{errors} of {count} by {name}"
            for name, count, errors in zip(light["group"], light["crops"], light["errors"], strict=True)
        )
        or "no crops",
    )
    return groups


def list_label_errors(predictions: pd.DataFrame, crops: pd.DataFrame, params: ReportingParams) -> pd.DataFrame:
    """List the crops whose label is probably wrong, the likeliest first, for a person to look at."""
    splits = params.label_errors.splits
    if Split.TRAIN in splits:
        logger.warning("label errors are looked for in train as well: most there are missed, since they were learned")
    label_errors = find_label_errors(predictions, crops, splits)
    looked_at = int(predictions["split"].isin(splits).sum())
    logger.info("%d of %d labels are probably wrong: see label_errors", len(label_errors), looked_at)
    return label_errors


def recommend_thresholds(
    predictions: pd.DataFrame, crops: pd.DataFrame, params: ReportingParams
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Recommend a threshold for every class, as a table with what it gives, and as Animl keeps them."""
    recommended = recommend(predictions, crops, params.thresholds)
    if params.thresholds.split == Split.TEST:
        logger.warning("thresholds are chosen on the test crops: what they give there is no test of them")
    of_outcome = {outcome: recommended.loc[recommended["outcome"] == outcome, "label"] for outcome in ThresholdOutcome}
    for outcome, told in (
        (ThresholdOutcome.BEST_POSSIBLE, "no threshold reaches the target, and the best there is was taken"),
        (ThresholdOutcome.NOT_MEASURABLE, "no threshold can be chosen without a crop"),
    ):
        if len(of_outcome[outcome]):
            logger.warning("%s: %s", told, ", ".join(of_outcome[outcome]))
    if refused := refused_by_animl(recommended.loc[recommended["kind"] == "class", "label"]):
        logger.warning("Animl takes no threshold for a class with a dot, or a dollar in front: %s", ", ".join(refused))
    logger.info("%d of %d thresholds reach their target", len(of_outcome[ThresholdOutcome.REACHED]), len(recommended))
    return recommended, animl_thresholds(recommended)


def compare_with_earlier(
    predictions: pd.DataFrame, crops: pd.DataFrame, earlier_predictions: EarlierPredictions, params: ReportingParams
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare with an earlier classifier on the test crops that both have predicted, and give a verdict."""
    pair = pair_up(predictions, earlier_predictions.table) if earlier_predictions.source else None
    comparison = Comparison.of([]) if pair is None else compare(pair, crops, params)
    promotion = promote(pair, comparison, earlier_predictions.source, params)
    for note in promotion.get("notes", []):
        logger.warning("comparing with %s: %s", earlier_predictions.source, note)
    logger.info("%s: %s", promotion["verdict"].replace("_", " "), promotion["reason"])
    return comparison, promotion


def plot_precision_recall(
    precision_recall_curves: pd.DataFrame, average_precision: pd.DataFrame
) -> tuple[Any, dict[str, Any]]:
    """Draw the precision-recall curves: those of the test split as a picture, and those of all interactively."""
    # matplotlib takes half a second to import: only the nodes that draw pay for it
    from animl_kedro.pipelines.reporting.plots import plot_curves  # noqa: PLC0415

    figure = plot_curves(precision_recall_curves, average_precision)
    logger.info("drew the curves of %d classes", len(rows_of(average_precision, Split.TEST, "class")))
    return figure, precision_recall_figure(precision_recall_curves, average_precision)


def plot_reliability(reliability: pd.DataFrame) -> tuple[Any, dict[str, Any]]:
    """Draw how far the probabilities can be believed: in the test split as a picture, and in all interactively."""
    # matplotlib takes half a second to import: only the nodes that draw pay for it
    from animl_kedro.pipelines.reporting.plots import plot_bins  # noqa: PLC0415

    figure = plot_bins(reliability)
    logger.info("drew the reliability of %d splits", reliability["split"].nunique())
    return figure, reliability_figure(reliability)


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
    class_scores: pd.DataFrame,
    metrics: dict[str, Any],
    precision_recall_curves: pd.DataFrame,
    reliability: pd.DataFrame,
    confusion_matrix: pd.DataFrame,
    performance_by_group: pd.DataFrame,
    label_errors: pd.DataFrame,
    recommended_thresholds: pd.DataFrame,
    sequence_average_precision: pd.DataFrame,
    comparison: pd.DataFrame,
    promotion: dict[str, Any],
    training_history: pd.DataFrame,
    classifier_card: dict[str, Any],
    predictions: pd.DataFrame,
    crops: pd.DataFrame,
    crop_images: ImageFolder,
    params: ReportingParams,
) -> str:
    """Write all results, with pictures of hits and mistakes, as one HTML page."""
    # jinja2 is for this node alone
    from animl_kedro.pipelines.reporting.rendering import Results, render_report  # noqa: PLC0415

    results = Results(
        average_precision=average_precision,
        class_scores=class_scores,
        metrics=metrics,
        precision_recall_curves=precision_recall_curves,
        reliability=reliability,
        confusion_matrix=confusion_matrix,
        performance_by_group=performance_by_group,
        label_errors=label_errors,
        recommended_thresholds=recommended_thresholds,
        sequence_average_precision=sequence_average_precision,
        comparison=comparison,
        promotion=promotion,
        training_history=training_history,
        classifier_card=classifier_card,
    )
    report = render_report(results, predictions, crops, crop_images, params)
    logger.info("wrote the report %r: one page of %.0f kB", params.title, len(report.encode()) / 1000)
    return report
