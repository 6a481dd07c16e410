"""The node of the inference pipeline."""

import logging

import pandas as pd

from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.runtime import prepare_torch
from animl_kedro.formats.inference_progress import InferenceProgress
from animl_kedro.formats.megadetector import Results
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.inference.classifying import classify
from animl_kedro.pipelines.inference.parameters import InferenceParams
from animl_kedro.pipelines.inference.results import failure_rows, table_rows, with_classifications
from animl_kedro.tables import InferenceFailures, InferenceTable

logger = logging.getLogger(__name__)


def classify_detections(
    detections: Results,
    images: ImageFolder,
    classifier: Classifier,
    progress: InferenceProgress,
    params: InferenceParams,
) -> tuple[Results, pd.DataFrame, pd.DataFrame]:
    """Classify the animals of MegaDetector results; people and vehicles stay what they are."""
    prepare_torch()
    outcomes = classify(detections, images, classifier, progress, params)
    results = with_classifications(detections, outcomes, classifier, params)
    table, failures = InferenceTable.of(table_rows(results)), InferenceFailures.of(failure_rows(results))
    logger.info(
        "%d detections in %d images, %d of them classified; %d images failed: see inference_failures",
        len(table),
        len(results["images"]),
        sum(len(outcome) for outcome in outcomes if isinstance(outcome, dict)),
        len(failures),
    )
    return results, table, failures
