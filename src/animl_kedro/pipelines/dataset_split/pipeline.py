"""The dataset split pipeline."""

from kedro.pipeline import Node, Pipeline

from animl_kedro.pipelines.dataset_split.nodes import (
    assign_splits,
    export_classification_files,
    export_split_ccts,
    label_crops,
    plot_splits,
    summarize_splits,
    weigh_crops,
)


def create_pipeline() -> Pipeline:
    """Crops and the label map in; classes and location-disjoint splits out."""
    return Pipeline(
        [
            Node(
                label_crops,
                {
                    "crops": "crops",
                    "label_map": "label_map",
                    "taxonomy": "taxonomy",
                    "params": "params:dataset_split",
                },
                ["labeled_crops", "label_index", "rejected_crops"],
                name="label_crops",
            ),
            Node(
                assign_splits,
                {
                    "labeled_crops": "labeled_crops",
                    "image_files": "image_files",
                    "previous_splits": "previous_splits",
                    "fixed_test": "fixed_test",
                    "params": "params:dataset_split",
                },
                ["splits", "joined_locations", "split_scores"],
                name="assign_splits",
            ),
            Node(
                summarize_splits,
                {
                    "labeled_crops": "labeled_crops",
                    "splits": "splits",
                    "fixed_test": "fixed_test",
                    "params": "params:dataset_split",
                },
                "split_summary",
                name="summarize_splits",
            ),
            Node(plot_splits, {"split_summary": "split_summary"}, "split_plot", name="plot_splits"),
            Node(
                weigh_crops,
                {
                    "labeled_crops": "labeled_crops",
                    "splits": "splits",
                    "confidence_calibration": "confidence_calibration",
                },
                "sample_weights",
                name="weigh_crops",
            ),
            Node(
                export_classification_files,
                {"labeled_crops": "labeled_crops", "splits": "splits", "label_index": "label_index"},
                "classification_dataset",
                name="export_classification_files",
            ),
            Node(
                export_split_ccts,
                {
                    "crops": "crops",
                    "labeled_crops": "labeled_crops",
                    "splits": "splits",
                    "label_index": "label_index",
                },
                "split_ccts",
                name="export_split_ccts",
            ),
        ],
        namespace="dataset_split",
        prefix_datasets_with_namespace=False,
    )
