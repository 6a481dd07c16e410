"""The reporting pipeline."""

from kedro.pipeline import Node, Pipeline

from animl_kedro.pipelines.reporting.nodes import (
    compare_with_earlier,
    count_confusions,
    list_label_errors,
    measure_average_precision,
    measure_crop_saturations,
    measure_performance_by_group,
    measure_reliability,
    measure_sequences,
    plot_confusions,
    plot_precision_recall,
    plot_reliability,
    plot_splits,
    recommend_thresholds,
    score_classes,
    summarize_metrics,
    trace_precision_recall,
    write_report,
)


def create_pipeline() -> Pipeline:
    """Predictions in; average precision, plots and one page that tells it all out."""
    return Pipeline(
        [
            Node(
                measure_average_precision,
                {"predictions": "predictions", "crops": "crops", "params": "params:reporting"},
                ["average_precision", "average_precision_json"],
                name="measure_average_precision",
            ),
            Node(
                measure_sequences,
                {"predictions": "predictions", "crops": "crops", "params": "params:reporting"},
                "sequence_average_precision",
                name="measure_sequences",
            ),
            Node(score_classes, {"predictions": "predictions"}, "class_scores", name="score_classes"),
            Node(measure_reliability, {"predictions": "predictions"}, "reliability", name="measure_reliability"),
            Node(
                summarize_metrics,
                {
                    "predictions": "predictions",
                    "crops": "crops",
                    "average_precision": "average_precision",
                    "sequence_average_precision": "sequence_average_precision",
                    "params": "params:reporting",
                },
                "metrics",
                name="summarize_metrics",
            ),
            Node(
                trace_precision_recall,
                {"predictions": "predictions"},
                "precision_recall_curves",
                name="trace_precision_recall",
            ),
            Node(count_confusions, {"predictions": "predictions"}, "confusion_matrix", name="count_confusions"),
            Node(
                measure_crop_saturations,
                {"predictions": "predictions", "crop_images": "crop_images"},
                "crop_saturations",
                name="measure_crop_saturations",
            ),
            Node(
                measure_performance_by_group,
                {
                    "predictions": "predictions",
                    "crops": "crops",
                    "crop_saturations": "crop_saturations",
                    "params": "params:reporting",
                },
                "performance_by_group",
                name="measure_performance_by_group",
            ),
            Node(
                list_label_errors,
                {"predictions": "predictions", "crops": "crops", "params": "params:reporting"},
                "label_errors",
                name="list_label_errors",
            ),
            Node(
                recommend_thresholds,
                {"predictions": "predictions", "crops": "crops", "params": "params:reporting"},
                ["recommended_thresholds", "animl_thresholds"],
                name="recommend_thresholds",
            ),
            Node(
                compare_with_earlier,
                {
                    "predictions": "predictions",
                    "crops": "crops",
                    "earlier_predictions": "earlier_predictions",
                    "params": "params:reporting",
                },
                ["comparison", "promotion"],
                name="compare_with_earlier",
            ),
            Node(
                plot_precision_recall,
                {"precision_recall_curves": "precision_recall_curves", "average_precision": "average_precision"},
                ["precision_recall_plot", "precision_recall_figure"],
                name="plot_precision_recall",
            ),
            Node(
                plot_reliability,
                {"reliability": "reliability"},
                ["reliability_plot", "reliability_figure"],
                name="plot_reliability",
            ),
            Node(
                plot_confusions,
                {"confusion_matrix": "confusion_matrix"},
                ["confusion_matrix_plot", "confusion_matrix_figure"],
                name="plot_confusions",
            ),
            Node(plot_splits, {"average_precision": "average_precision"}, "split_figure", name="plot_splits"),
            Node(
                write_report,
                {
                    "average_precision": "average_precision",
                    "class_scores": "class_scores",
                    "metrics": "metrics",
                    "precision_recall_curves": "precision_recall_curves",
                    "reliability": "reliability",
                    "confusion_matrix": "confusion_matrix",
                    "performance_by_group": "performance_by_group",
                    "label_errors": "label_errors",
                    "recommended_thresholds": "recommended_thresholds",
                    "sequence_average_precision": "sequence_average_precision",
                    "comparison": "comparison",
                    "promotion": "promotion",
                    "training_history": "training_history",
                    "classifier_card": "classifier_card",
                    "predictions": "predictions",
                    "crops": "crops",
                    "crop_images": "crop_images",
                    "params": "params:reporting",
                },
                "report",
                name="write_report",
            ),
        ],
        namespace="reporting",
        prefix_datasets_with_namespace=False,
    )
