"""The nodes of the detection and cropping pipeline."""

import logging

import pandas as pd

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.formats.megadetector import Results
from animl_kedro.pipelines.detection_cropping.crops import make_crops
from animl_kedro.pipelines.detection_cropping.ground_truth import ground_truth_results, images_without_boxes
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams
from animl_kedro.tables import Crops, RejectedBoxes

logger = logging.getLogger(__name__)


def collect_detections(
    images: pd.DataFrame, annotations: pd.DataFrame, image_files: pd.DataFrame, store: ImageFolder
) -> Results:
    """Write the annotated boxes of all images that have a file as MegaDetector results, marked as ground truth."""
    results = ground_truth_results(images, annotations, image_files, store)
    boxes = sum(len(image.get("detections", ())) for image in results["images"])
    logger.info("collected %d annotated boxes in %d images", boxes, len(results["images"]))
    return results


def crop_boxes(
    detections: Results,
    images: pd.DataFrame,
    annotations: pd.DataFrame,
    image_files: pd.DataFrame,
    store: ImageFolder,
    crop_images: ImageFolder,
    params: DetectionCroppingParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Crop every box out of its image; whatever did not become a crop is rejected with a reason."""
    without = images_without_boxes(images, annotations, image_files, detections)
    made = make_crops(detections, images, image_files, store, crop_images, params)
    crops, rejected = Crops.of(made.crops), RejectedBoxes.of(made.rejected + without)
    logger.info(
        "%d crops of %d images (%d made now, %d were there), %d boxes or images rejected (%s): see rejected_boxes",
        len(crops),
        crops["image_id"].nunique(),
        made.made,
        len(crops) - made.made,
        len(rejected),
        ", ".join(f"{count} {reason}" for reason, count in rejected["reason"].value_counts().items()) or "none",
    )
    return crops, rejected
