"""Classifying the animals of a detector's results, where an earlier run ended."""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from PIL.Image import Image

from animl_kedro.boxes import RelativeBox, fault_of
from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.temperature import probabilities_of
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.cropping.pictures import cut_as_stored
from animl_kedro.errors import InputError
from animl_kedro.formats.inference_progress import Found, InferenceProgress
from animl_kedro.formats.megadetector import Results
from animl_kedro.image_folder import ImageFolder
from animl_kedro.images import Photograph, UnreadableImageError
from animl_kedro.pipelines.inference.parameters import InferenceParams
from animl_kedro.places import FileStat
from animl_kedro.progress import track

logger = logging.getLogger(__name__)

ANIMAL_NAME = "animal"
"""What the category of animals is called, whatever its id, in the results of all detectors of camera-trap images."""

DECIMALS = 5
"""Of probabilities, in the results and in what is kept of a run."""

NO_FILE = "there is no such file"

Outcome = Found | str
"""Probabilities of each label by the number of the detection, or why the image failed."""


class Task(NamedTuple):
    """An image with the boxes to be classified by the numbers of their detections. `key` stands for all of it."""

    path: str
    boxes: Mapping[int, RelativeBox]
    key: str


class Opened(NamedTuple):
    """A task whose image was opened: which detections have a crop, or why there is none."""

    task: Task
    numbers: Sequence[int] = ()
    failure: str | None = None


def classify(
    detections: Results,
    images: ImageFolder,
    classifier: Classifier,
    progress: InferenceProgress,
    params: InferenceParams,
) -> list[Outcome]:
    """Classify the animals in images, those that an earlier run has not classified with the same classifier.

    Returns an outcome an image of `detections`, in their order. Raises InputError where none of the images is in the
    folder, the detections have no category for animals, or the classifier does not know how boxes are cropped.
    """
    cropping = classifier.known_cropping()
    stats = images.stats()
    animal = _animal_category(detections)
    tasks = [_task_of(entry, animal, stats, classifier.checksum, params) for entry in detections["images"]]
    _check_files(tasks, stats, images)
    known = progress.read()
    found: dict[str, Outcome] = {task.key: known[task.key] for task in tasks if task.key in known}
    pending = {task.key: task for task in tasks if task.boxes and task.path in stats and task.key not in found}
    if found:
        logger.info("an earlier run has classified %d of the images: %d are left", len(found), len(pending))
    new = _classified(list(pending.values()), images, classifier, cropping)
    found |= _kept(track(new, "classifying images", total=len(pending)), progress, params.save_every)
    outcomes = [_outcome(task, entry, found, stats) for task, entry in zip(tasks, detections["images"], strict=True)]
    progress.replace({task.key: own for task in tasks if not isinstance(own := found.get(task.key, ""), str)})
    return outcomes


def path_of(file: str) -> str:
    """An image's path below the folder: results may have been made under Windows."""
    return file.replace("\\", "/").removeprefix("./")


def _animal_category(detections: Results) -> str:
    names = {str(number): str(name) for number, name in detections["detection_categories"].items()}
    for number, name in names.items():
        if name.strip().lower() == ANIMAL_NAME:
            return number
    raise InputError(
        f"The detections have no category {ANIMAL_NAME!r}, but {', '.join(names.values()) or 'none'}: expected are "
        "results of MegaDetector, or of a detector that finds animals."
    )


def _task_of(
    entry: Results, animal: str, stats: Mapping[str, FileStat], classifier: str, params: InferenceParams
) -> Task:
    boxes = {
        number: RelativeBox(*detection["bbox"])
        for number, detection in enumerate(entry.get("detections") or ())
        if str(detection.get("category")) == animal
        and detection["conf"] >= params.detection_threshold
        and fault_of(*detection["bbox"]) is None
    }
    path = path_of(entry["file"])
    parts = (path, stats.get(path), [(number, tuple(box)) for number, box in boxes.items()], classifier)
    return Task(path, boxes, hashlib.sha256(repr(parts).encode()).hexdigest()[:32])


def _check_files(tasks: Sequence[Task], stats: Mapping[str, FileStat], images: ImageFolder) -> None:
    wanted = {task.path for task in tasks}
    if wanted and not wanted & stats.keys():
        raise InputError(
            f"None of the {len(wanted)} images of the detections is in {images}; the first is {tasks[0].path}. Set the "
            "path of inference_images to the folder that their names are relative to."
        )
    if others := len(stats.keys() - wanted):
        logger.warning("%d files of %s are not in the detections, and so not classified", others, images)


def _classified(
    tasks: Sequence[Task], images: ImageFolder, classifier: Classifier, cropping: CroppingParams
) -> Iterator[tuple[str, Outcome]]:
    """The outcomes of tasks by their keys."""

    def opened(task: Task) -> tuple[Opened, list[Image]]:
        try:
            photograph = Photograph(images.read(task.path))
            size = photograph.size
            inside = {number: box.in_pixels(*size).clipped(*size) for number, box in task.boxes.items()}
            boxes = {number: box for number, box in inside.items() if min(box.width, box.height) > 0}
            return Opened(task, tuple(boxes)), cut_as_stored(photograph, list(boxes.values()), cropping)
        except (OSError, ValueError, UnreadableImageError) as error:
            return Opened(task, failure=_said(error)), []

    for (task, numbers, failure), logits in classifier.predictor.logits(tasks, opened):
        probabilities = probabilities_of(logits, classifier.temperature).round(DECIMALS).tolist()
        yield task.key, failure or dict(zip(numbers, probabilities, strict=True))


def _kept(
    classified: Iterator[tuple[str, Outcome]], progress: InferenceProgress, save_every: int
) -> dict[str, Outcome]:
    """All outcomes; those that are no failures are saved now and then, and where an error or an interruption comes."""
    outcomes: dict[str, Outcome] = {}
    unsaved: dict[str, Found] = {}
    try:
        for key, outcome in classified:
            outcomes[key] = outcome
            if not isinstance(outcome, str):
                unsaved[key] = outcome
            if len(unsaved) >= save_every:
                progress.add(unsaved)
                unsaved = {}
    finally:
        progress.add(unsaved)
    return outcomes


def _outcome(task: Task, entry: Results, found: Mapping[str, Outcome], stats: Mapping[str, FileStat]) -> Outcome:
    if entry.get("failure"):
        return str(entry["failure"])
    if task.path not in stats:
        return NO_FILE
    return found.get(task.key, {})


def _said(error: OSError | ValueError | UnreadableImageError) -> str:
    if isinstance(error, FileNotFoundError):
        return NO_FILE
    return f"cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)
