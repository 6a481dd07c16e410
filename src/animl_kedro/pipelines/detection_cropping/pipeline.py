"""The detection and cropping pipeline."""

from kedro.pipeline import Node, Pipeline

from animl_kedro.pipelines.detection_cropping.nodes import collect_detections, crop_boxes


def create_pipeline() -> Pipeline:
    """Images and annotations in; detections, crops and what was rejected out."""
    return Pipeline(
        [
            Node(
                collect_detections,
                {
                    "images": "images",
                    "annotations": "annotations",
                    "image_files": "image_files",
                    "store": "image_store",
                },
                "detections",
                name="collect_detections",
            ),
            Node(
                crop_boxes,
                {
                    "detections": "detections",
                    "images": "images",
                    "annotations": "annotations",
                    "image_files": "image_files",
                    "store": "image_store",
                    "crop_images": "crop_images",
                    "params": "params:detection_cropping",
                },
                ["crops", "rejected_boxes"],
                name="crop_boxes",
            ),
        ],
        namespace="detection_cropping",
        prefix_datasets_with_namespace=False,
    )
