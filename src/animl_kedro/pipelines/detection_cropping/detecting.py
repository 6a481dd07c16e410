"""Boxes for images that have none: from results that are there, from the cache, and from MegaDetector."""

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from animl_kedro.formats.detector_cache import DetectorCache
from animl_kedro.formats.megadetector import FORMAT_VERSION, Results
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.detections import Categories, Entry, entries_of
from animl_kedro.pipelines.detection_cropping.detector_models import version_of_results
from animl_kedro.pipelines.detection_cropping.detector_runs import DetectorRun, WantedImage
from animl_kedro.pipelines.detection_cropping.detector_weights import detector_version, find_weights
from animl_kedro.pipelines.detection_cropping.parameters import DetectorParams
from animl_kedro.progress import track

if TYPE_CHECKING:
    from animl_kedro.pipelines.detection_cropping.detector import Detector

__all__ = ["WantedImage", "detect"]

logger = logging.getLogger(__name__)


def detect(
    wanted: Sequence[WantedImage],
    store: ImageFolder,
    existing: Mapping[str, Results],
    cache: DetectorCache,
    params: DetectorParams,
) -> Results:
    """Find the animals, people and vehicles in images.

    `existing` are results of others by data set, of any version of the format, in which ``file`` is relative to the
    data set: images that they know are not looked at. What the cache holds of this very detector and image is taken
    from there; the rest is given to the detector, which is loaded only then.

    Returns MegaDetector results with an entry an image, in the order of `wanted`: ``file`` is its path, ``detector``
    the version of the detector, and ``detections`` are all of confidence 0.01 and more, whatever the threshold in the
    parameters; an image that could not be looked at has a ``failure`` instead. ``info.image_counts`` tells how many
    images came from where. Raises InputError where the detector is not installed, its weights are absent, or a file
    of results is damaged.
    """
    categories = Categories()
    known = _from_existing(wanted, existing, categories)
    remaining = [image for image in dict.fromkeys(wanted) if image.path not in known]
    found, looked_at = _with_detector(remaining, store, cache, params) if remaining else ({}, 0)
    entry_of = known | found
    entries = [{"file": image.path, **entry_of[image.path]} for image in wanted]
    return {
        "info": {
            "format_version": FORMAT_VERSION,
            "detector": ", ".join(sorted({entry["detector"] for entry in entries})) or "none",
            "image_counts": {
                "existing": len(known),
                "cached": len(found) - looked_at,
                "looked_at": looked_at,
                "failed": sum("failure" in entry for entry in entries),
            },
        },
        "detection_categories": categories.names,
        "images": entries,
    }


def _by_dataset(images: Sequence[WantedImage]) -> dict[str, list[WantedImage]]:
    groups: dict[str, list[WantedImage]] = {}
    for image in images:
        groups.setdefault(image.dataset, []).append(image)
    return groups


def _from_existing(
    wanted: Sequence[WantedImage], existing: Mapping[str, Results], categories: Categories
) -> dict[str, Entry]:
    """The entries of the images that existing results know, by the images' paths."""
    known: dict[str, Entry] = {}
    for dataset, images in _by_dataset(wanted).items():
        if dataset not in existing:
            continue
        version = version_of_results(existing[dataset].get("info") or {})
        names = {image.name for image in images}
        entries = dict(entries_of(existing[dataset], names, categories))
        known |= {f"{dataset}/{name}": {"detector": version, **entry} for name, entry in entries.items()}
        if lacking := len(names) - len(entries):
            logger.info("the existing results of %s lack %d of %d images", dataset, lacking, len(names))
    return known


def _with_detector(
    images: Sequence[WantedImage], store: ImageFolder, cache: DetectorCache, params: DetectorParams
) -> tuple[dict[str, Entry], int]:
    """The entries of images by their paths, from the cache or from the detector, and how many it looked at just now."""
    version = detector_version(params)
    runs = [DetectorRun(cache, version, dataset, group) for dataset, group in _by_dataset(images).items()]
    pending = sum(len(run.pending) for run in runs)
    if pending:
        _run(runs, pending, store, params)
    return {path: {"detector": version, **entry} for run in runs for path, entry in run.entries.items()}, pending


def _run(runs: Sequence[DetectorRun], pending: int, store: ImageFolder, params: DetectorParams) -> None:
    """Look at all pending images. What was found is kept, be it that an error or an interruption comes."""
    detector = _load(params)
    findings = (finding for run in runs for finding in run.findings(store, detector, params.save_every))
    try:
        deque(track(findings, "MegaDetector", pending), maxlen=0)
    finally:
        for run in runs:
            run.save()


def _load(params: DetectorParams) -> "Detector":
    from animl_kedro.pipelines.detection_cropping import detector  # noqa: PLC0415 - it needs torch

    detector.check_installed()
    return detector.load_detector(find_weights(params))
