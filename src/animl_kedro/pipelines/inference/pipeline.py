"""The inference pipeline."""

from kedro.pipeline import Node, Pipeline

from animl_kedro.pipelines.inference.nodes import classify_detections


def create_pipeline() -> Pipeline:
    """A folder of images and the results of a detector in; the same results with classifications out."""
    return Pipeline(
        [
            Node(
                classify_detections,
                {
                    "detections": "inference_detections",
                    "images": "inference_images",
                    "classifier": "classifier",
                    "progress": "inference_progress",
                    "params": "params:inference",
                },
                ["inference_results", "inference_table", "inference_failures"],
                name="classify_detections",
            ),
        ],
        namespace="inference",
        prefix_datasets_with_namespace=False,
    )
