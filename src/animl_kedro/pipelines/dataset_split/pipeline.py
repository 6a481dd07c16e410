"""The dataset split pipeline."""

from kedro.pipeline import Node, Pipeline

from animl_kedro.pipelines.dataset_split.nodes import assign_splits, label_crops, plot_splits, summarize_splits


def create_pipeline() -> Pipeline:
    """Crops and the label map in; classes and location-disjoint splits out."""
    return Pipeline(
        [
            Node(
                label_crops,
                {"crops": "crops", "label_map": "label_map", "params": "params:dataset_split"},
                ["labeled_crops", "label_index", "rejected_crops"],
                name="label_crops",
            ),
            Node(
                assign_splits,
                {"labeled_crops": "labeled_crops", "params": "params:dataset_split"},
                "splits",
                name="assign_splits",
            ),
            Node(
                summarize_splits,
                {"labeled_crops": "labeled_crops", "splits": "splits", "params": "params:dataset_split"},
                "split_summary",
                name="summarize_splits",
            ),
            Node(plot_splits, {"split_summary": "split_summary"}, "split_plot", name="plot_splits"),
        ],
        namespace="dataset_split",
        prefix_datasets_with_namespace=False,
    )
