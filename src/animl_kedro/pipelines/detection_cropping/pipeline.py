"""The detection and cropping pipeline."""

from kedro.pipeline import Node, Pipeline

from animl_kedro.pipelines.detection_cropping.nodes import (
    collect_detections,
    crop_boxes,
    describe_cropping,
    detect_animals,
    draw_crop_samples,
)

LABELLED_IMAGES = {
    "images": "images",
    "annotations": "annotations",
    "image_files": "image_files",
    "store": "image_store",
}


def create_pipeline() -> Pipeline:
    """Images and annotations in; detections, crops and what was rejected out."""
    params = {"params": "params:detection_cropping"}
    return Pipeline(
        [
            Node(
                detect_animals,
                {**LABELLED_IMAGES, "existing_detections": "existing_detections", "cache": "detector_cache", **params},
                "detected_animals",
                name="detect_animals",
            ),
            Node(
                collect_detections,
                {**LABELLED_IMAGES, "detected": "detected_animals", **params},
                "detections",
                name="collect_detections",
            ),
            Node(
                crop_boxes,
                {"detections": "detections", **LABELLED_IMAGES, "crop_images": "crop_images", **params},
                ["crops", "rejected_boxes", "orphaned_crops"],
                name="crop_boxes",
            ),
            Node(describe_cropping, {"crops": "crops", **params}, "crop_settings", name="describe_cropping"),
            Node(
                draw_crop_samples,
                {"crops": "crops", "crop_images": "crop_images", **params},
                "crop_samples",
                name="draw_crop_samples",
            ),
        ],
        namespace="detection_cropping",
        prefix_datasets_with_namespace=False,
    )
