"""The modeling pipeline."""

from kedro.pipeline import Node, Pipeline

from animl_kedro.pipelines.modeling.nodes import (
    calibrate_classifier,
    classify_folds,
    plot_training,
    predict_crops,
    train_classifier,
)


def create_pipeline() -> Pipeline:
    """Labelled crops and splits in; a classifier, its history and its predictions out."""
    return Pipeline(
        [
            Node(
                train_classifier,
                {
                    "labeled_crops": "labeled_crops",
                    "splits": "splits",
                    "sample_weights": "sample_weights",
                    "label_index": "label_index",
                    "crop_images": "crop_images",
                    "training_checkpoints": "training_checkpoints",
                    "params": "params:modeling",
                },
                ["trained_classifier", "training_history"],
                name="train_classifier",
            ),
            Node(
                calibrate_classifier,
                {
                    "trained_classifier": "trained_classifier",
                    "labeled_crops": "labeled_crops",
                    "splits": "splits",
                    "crop_images": "crop_images",
                    "crop_settings": "crop_settings",
                },
                "classifier",
                name="calibrate_classifier",
            ),
            Node(
                predict_crops,
                {
                    "classifier": "classifier",
                    "labeled_crops": "labeled_crops",
                    "splits": "splits",
                    "crop_images": "crop_images",
                },
                "predictions",
                name="predict_crops",
            ),
            Node(
                classify_folds,
                {
                    "labeled_crops": "labeled_crops",
                    "splits": "splits",
                    "label_index": "label_index",
                    "crop_images": "crop_images",
                    "training_checkpoints": "training_checkpoints",
                    "params": "params:modeling",
                },
                ["fold_predictions", "fold_average_precision"],
                name="classify_folds",
            ),
            Node(plot_training, {"training_history": "training_history"}, "training_plot", name="plot_training"),
        ],
        namespace="modeling",
        prefix_datasets_with_namespace=False,
    )
