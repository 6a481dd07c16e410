"""The parameters of the detection and cropping pipeline."""

from typing import Literal

from pydantic import Field

from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.parameters import StrictParams

__all__ = ["CroppingParams", "DetectionCroppingParams", "DetectorParams"]


class DetectorParams(StrictParams):
    """Which detector finds the animals of images without boxes, and what of its findings counts."""

    model: str = "v5b"
    """The name of a MegaDetector: v5a, v5b, v1000-redwood, -cedar, -larch, -sorrel or -spruce; or any name, with the
    file of its weights."""

    weights: str | None = None
    """A file of weights, from a source that you trust: it can run anything. None looks for the named model's below
    `weights_folder`, and downloads it to there."""

    weights_folder: str = "data/01_raw/megadetector"
    """Where the weights of the named models lie, and are downloaded to."""

    confidence_threshold: float = Field(0.2, ge=0.01, le=1)
    """Detections below it are not cropped, nor are they taken for people or vehicles."""

    save_every: int = Field(200, ge=1)
    """Images after which the cache is saved; a run that is killed loses at most so many."""


class DetectionCroppingParams(StrictParams):
    """What becomes a crop, and how."""

    unboxed_labels: Literal["reject", "whole_frame", "detector"] = "reject"
    """What becomes of an image whose labels have no box, or the whole frame as their box: nothing, a crop of the whole
    frame, or crops of the animals that the detector finds, where the image has one label only."""

    person_labels: tuple[str, ...] = ("person", "people", "human", "humans", "homo sapiens")
    """Labels of people, who never become a crop, nor a part of one, without regard to upper and lower case."""

    vehicle_labels: tuple[str, ...] = ("vehicle", "car", "truck", "atv", "motorcycle", "bicycle", "boat")
    """Labels of vehicles, which never do either."""

    detector: DetectorParams = DetectorParams()
    """Which detector finds the animals of images without boxes."""

    cropping: CroppingParams = CroppingParams()
    """How a box becomes a crop."""

    sequence_gap_s: float = Field(60, gt=0)
    """Seconds between two images of a location after which a new sequence begins, where the export has none."""

    executor: str = Field("processes", pattern=r"^(processes|(tcp|tls|ws|wss)://.+)$")
    """Where images are cropped: "processes" of this machine, or the address of a Dask cluster's scheduler."""

    processes: int | None = Field(None, ge=1)
    """Images cropped at the same time on this machine; None takes as many as there are processors."""

    remove_orphans: bool = False
    """Remove the crops in the folder that no box belongs to any more; otherwise they are listed."""

    samples_per_label: int = Field(8, ge=1)
    """Crops of a label on the contact sheet."""
