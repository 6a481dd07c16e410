"""A detector's run over the images of a data set, which goes on where an earlier one ended."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from PIL.Image import Image

from animl_kedro.errors import InputError
from animl_kedro.formats.detector_cache import DetectorCache
from animl_kedro.formats.megadetector import CATEGORIES
from animl_kedro.image_folder import ImageFolder
from animl_kedro.images import UnreadableImageError, open_image
from animl_kedro.pipelines.detection_cropping.detections import Entry, clean_detections
from animl_kedro.threads import in_order

if TYPE_CHECKING:  # it needs torch
    from animl_kedro.pipelines.detection_cropping.detector import Detector

AHEAD = 4
"""Images that are opened while the network looks at a batch, besides the next one."""

MAX_FAILURES_IN_A_ROW = 20
"""So many images on which the network fails one after the other tell of a fault in it, not in them."""

OUR_IDS = {number: number for number in CATEGORIES}


class WantedImage(NamedTuple):
    """An image to be looked at: its path in the store, ``<data set>/<file name>``, and its file's checksum."""

    path: str
    checksum: str

    @property
    def dataset(self) -> str:
        """The name of its data set."""
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        """Its path within the data set."""
        return self.path.partition("/")[2]


class Finding(NamedTuple):
    """An image's entry, and whether looking again would give the same: only then it is worth to be kept."""

    image: WantedImage
    entry: Entry
    lasting: bool = True


class DetectorRun:
    """The images of a data set that one version of a detector is wanted for.

    ``entries`` are those of the images, by their paths, as far as they are known; `pending` images have none yet. What
    the cache holds of an image counts only where it was found in a file with the same checksum.
    """

    def __init__(self, cache: DetectorCache, version: str, dataset: str, images: Sequence[WantedImage]) -> None:
        self._cache, self._version, self._dataset = cache, version, dataset
        self._results = cache.read(version, dataset)
        self._kept = {entry["file"]: entry for entry in self._results["images"]}
        self._unsaved = 0
        self.entries = {
            image.path: _without_origin(kept)
            for image in images
            if (kept := self._kept.get(image.name)) and kept.get("checksum") == image.checksum
        }
        self.pending = [image for image in images if image.path not in self.entries]

    def findings(self, store: ImageFolder, detector: "Detector", save_every: int) -> Iterator[Finding]:
        """Give what the detector finds in the pending images, one by one; the cache is written now and then."""
        for finding in look(self.pending, store, detector):
            self._keep(finding)
            if self._unsaved >= save_every:
                self.save()
            yield finding
        self.save()

    def save(self) -> None:
        """Write the cache, if there is something new."""
        if self._unsaved:
            self._cache.write(self._version, self._dataset, self._results | {"images": list(self._kept.values())})
            self._unsaved = 0

    def _keep(self, finding: Finding) -> None:
        image, entry, lasting = finding
        self.entries[image.path] = entry
        if lasting:
            self._kept[image.name] = {"file": image.name, **entry, "checksum": image.checksum}
            self._unsaved += 1


def _without_origin(kept: Entry) -> Entry:
    return {name: value for name, value in kept.items() if name in ("detections", "failure")}


def look(images: Sequence[WantedImage], store: ImageFolder, detector: "Detector") -> Iterator[Finding]:
    """Give the detector's findings, image by image.

    Raises InputError where the network fails on one image after the other.
    """
    failures: list[Finding] = []
    opened = in_order(lambda image: _open(image, store), images, ahead=AHEAD + detector.batch_size)
    while batch := list(islice(opened, detector.batch_size)):
        for finding in _look_at(batch, detector):
            yield finding
            if "detections" in finding.entry:
                failures.clear()
            elif not finding.lasting:
                failures.append(finding)
        if len(failures) >= MAX_FAILURES_IN_A_ROW:
            last = failures[-1]
            raise InputError(
                f"{len(failures)} images one after the other could not be looked at, the last of them "
                f"{last.image.path}: {last.entry['failure']}. What was found before is in the detector's cache."
            )


def _look_at(batch: list[tuple[WantedImage, Image] | Finding], detector: "Detector") -> Iterator[Finding]:
    """The findings in images that were opened, and those that stand without looking."""
    yield from (item for item in batch if isinstance(item, Finding))
    opened = [item for item in batch if not isinstance(item, Finding)]
    outcomes = detector.find([pixels for _, pixels in opened]) if opened else []
    for (image, _), outcome in zip(opened, outcomes, strict=True):
        if isinstance(outcome, str):
            yield Finding(image, {"failure": outcome}, lasting=False)
        else:
            yield Finding(image, {"detections": clean_detections(outcome, OUR_IDS, image.path)})


def _open(image: WantedImage, store: ImageFolder) -> tuple[WantedImage, Image] | Finding:
    """An image's pixels, or why there are none; a file that cannot be read may be there the next time."""
    try:
        data = store.read(image.path)
    except OSError as error:
        return Finding(image, {"failure": f"cannot be read: {error.strerror or error}"}, lasting=False)
    try:
        return image, open_image(data)
    except UnreadableImageError as error:
        return Finding(image, {"failure": str(error)})
