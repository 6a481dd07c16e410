"""The reporting pipeline."""

from kedro.pipeline import Node, Pipeline

from animl_kedro.pipelines.reporting.nodes import (
    count_confusions,
    measure_average_precision,
    plot_confusions,
    plot_precision_recall,
    plot_splits,
    trace_precision_recall,
    write_report,
)


def create_pipeline() -> Pipeline:
    """Predictions in; average precision, plots and one page that tells it all out."""
    return Pipeline(
        [
            Node(
                measure_average_precision,
                {"predictions": "predictions", "crops": "crops"},
                ["average_precision", "average_precision_json"],
                name="measure_average_precision",
            ),
            Node(
                trace_precision_recall,
                {"predictions": "predictions"},
                "precision_recall_curves",
                name="trace_precision_recall",
            ),
            Node(count_confusions, {"predictions": "predictions"}, "confusion_matrix", name="count_confusions"),
            Node(
                plot_precision_recall,
                {"precision_recall_curves": "precision_recall_curves", "average_precision": "average_precision"},
                ["precision_recall_plot", "precision_recall_figure"],
                name="plot_precision_recall",
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
                    "precision_recall_curves": "precision_recall_curves",
                    "confusion_matrix": "confusion_matrix",
                    "training_history": "training_history",
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
