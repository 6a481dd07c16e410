"""The nodes of the detection and cropping pipeline."""

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd

from animl_kedro.datasets.detector_cache import DetectorCache
from animl_kedro.errors import InputError
from animl_kedro.formats.megadetector import Results
from animl_kedro.garbage import no_garbage_collection
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.collecting import collect, wants_detector
from animl_kedro.pipelines.detection_cropping.crops import CropTables, make_crops
from animl_kedro.pipelines.detection_cropping.detecting import WantedImage, detect
from animl_kedro.pipelines.detection_cropping.labelled_images import labelled_images
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams
from animl_kedro.pipelines.detection_cropping.rejections import labels_without_crop
from animl_kedro.pipelines.detection_cropping.sequences import sequence_ids
from animl_kedro.tables import Crops, OrphanedCrops, RejectedBoxes

logger = logging.getLogger(__name__)


def detect_animals(
    images: pd.DataFrame,
    annotations: pd.DataFrame,
    image_files: pd.DataFrame,
    store: ImageFolder,
    existing_detections: dict[str, Results],
    cache: DetectorCache,
    params: DetectionCroppingParams,
) -> Results:
    """Find the animals of images whose labels have no box with MegaDetector, where the parameters ask for it."""
    if unknown := sorted(existing_detections.keys() - set(images["dataset"])):
        logger.warning("existing_detections has results of data sets without images: %s", ", ".join(unknown))
    labelled = labelled_images(images, annotations, image_files, store, params)
    wanted = [WantedImage(image.path, image.checksum) for image in labelled if wants_detector(image, params)]
    results = detect(wanted, store, existing_detections, cache, params.detector)
    if wanted:
        logger.info("boxes for %d images without any: %s", len(wanted), _counts(results["info"]["image_counts"]))
    else:
        logger.info("no image needs a detector")
    return results


def collect_detections(
    images: pd.DataFrame,
    annotations: pd.DataFrame,
    image_files: pd.DataFrame,
    store: ImageFolder,
    detected: Results,
    params: DetectionCroppingParams,
) -> Results:
    """Write the boxes of all images that have a file as MegaDetector results: annotated ones, and those detected."""
    with no_garbage_collection():
        labelled = labelled_images(images, annotations, image_files, store, params)
        results = collect(labelled, annotations["label"].unique(), detected, params)
    boxes = sum(len(image.get("detections", ())) for image in results["images"])
    logger.info("collected %d boxes in %d images", boxes, len(results["images"]))
    return results


def crop_boxes(
    detections: Results,
    images: pd.DataFrame,
    annotations: pd.DataFrame,
    image_files: pd.DataFrame,
    store: ImageFolder,
    crop_images: ImageFolder,
    params: DetectionCroppingParams,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Crop every box out of its image; whatever did not become a crop is rejected with a reason.

    Crops of earlier runs that no box belongs to any more are listed, and removed on request; those of images that show
    people or vehicles are removed at once.
    """
    without = labels_without_crop(images, annotations, image_files, detections)
    with_sequences = images.assign(sequence_id=sequence_ids(images, params.sequence_gap_s))
    made = make_crops(detections, with_sequences, image_files, store, crop_images, params)
    crops, rejected = Crops.of(made.crops), RejectedBoxes.of(made.rejected + without)
    orphans = OrphanedCrops.of(made.orphans)
    _log_crops(made, crops, rejected)
    if made.removed:
        why = "" if params.remove_orphans else ", and whose images show people or vehicles"
        logger.info("removed %d crops that no box belongs to any more%s", made.removed, why)
    if len(orphans):
        logger.warning(
            "%d files in the crop folder belong to no box any more: see orphaned_crops. Remove them: kedro run "
            "--pipeline=detection_cropping --params=detection_cropping.remove_orphans=true",
            len(orphans),
        )
    return crops, rejected, orphans


def describe_cropping(crops: pd.DataFrame, params: DetectionCroppingParams) -> dict[str, Any]:
    """Note how the crops were made, for whoever crops other images in the same way."""
    made_otherwise = int((crops["settings"] != params.cropping.checksum()).sum())
    if made_otherwise:
        raise InputError(
            f"{made_otherwise} of {len(crops)} crops were made with other parameters than those of "
            "detection_cropping.cropping. Make them again: kedro run --pipeline=detection_cropping"
        )
    logger.info("noted how %d crops were made", len(crops))
    return params.cropping.model_dump(mode="json")


def draw_crop_samples(crops: pd.DataFrame, crop_images: ImageFolder, params: DetectionCroppingParams) -> Any:
    """Draw a contact sheet: some crops of every label, with their ids."""
    from animl_kedro.pipelines.detection_cropping.samples import draw_samples  # noqa: PLC0415

    figure = draw_samples(crops, crop_images, params.samples_per_label)
    logger.info("drew crops of %d labels", crops["label"].nunique())
    return figure


def _log_crops(made: CropTables, crops: pd.DataFrame, rejected: pd.DataFrame) -> None:
    reasons = _counts(rejected["reason"].value_counts())
    logger.info(
        "%d crops of %d images (%d made now, %d were there), %d boxes or images rejected (%s): see rejected_boxes",
        len(crops),
        crops["image_id"].nunique(),
        made.made,
        len(crops) - made.made,
        len(rejected),
        reasons or "none",
    )
    if made.scaled:
        logger.warning("%d crops are of images that have another size than the export recorded", made.scaled)


def _counts(counts: "Mapping[Any, int] | pd.Series[int]") -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
