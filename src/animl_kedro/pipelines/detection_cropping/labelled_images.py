"""Images with their labels, sorted out: which have a box, which have none, and what never becomes a crop."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from animl_kedro.boxes import PixelBox, RelativeBox
from animl_kedro.formats.coco_camera_traps import EMPTY_LABEL
from animl_kedro.formats.megadetector import ANIMAL, PERSON, VEHICLE
from animl_kedro.image_folder import ImageFolder
from animl_kedro.images import Photograph, UnreadableImageError
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams
from animl_kedro.tables import BoxUnit

WHOLE_FRAME_TOLERANCE = 0.002
"""Fractions of the frame by which a box may miss its edges and still be the whole frame: rounding, a pixel or two."""


@dataclass(frozen=True)
class Label:
    """What an annotation says of an image. `category` is that of its label in MegaDetector's format, `box` its box.

    ``box`` is None for a label of the whole image, and for one whose box is the whole frame.
    """

    annotation_id: str
    label: str
    category: str
    confidence: float
    box: RelativeBox | None


@dataclass(frozen=True)
class LabelledImage:
    """An image that has a file, with its labels but for "empty", in the order of their ids.

    ``failure`` says why boxes in pixels could not be understood, where they could not; there are no labels then.
    """

    image_id: str
    path: str
    checksum: str
    labels: tuple[Label, ...]
    failure: str | None = None

    @property
    def boxed(self) -> list[Label]:
        """The labels that have a box."""
        return [label for label in self.labels if label.box is not None]

    @property
    def unboxed_others(self) -> list[Label]:
        """People and vehicles without a box: they may be anywhere in the image."""
        return [label for label in self.labels if label.box is None and label.category != ANIMAL]

    @property
    def unboxed_animals(self) -> list[Label]:
        """Animals without a box, in an image that has no box of an animal; it is not known what a box would show."""
        animals = [label for label in self.labels if label.category == ANIMAL]
        return animals if all(label.box is None for label in animals) else []

    @property
    def sole_label(self) -> Label | None:
        """The first of the animals without a box if they all have the same label: that of all animals to be found."""
        animals = self.unboxed_animals
        return animals[0] if len({label.label for label in animals}) == 1 else None


def labelled_images(
    images: pd.DataFrame,
    annotations: pd.DataFrame,
    image_files: pd.DataFrame,
    store: ImageFolder,
    params: DetectionCroppingParams,
) -> Iterator[LabelledImage]:
    """The images that have a file, in the order of the table, each with its labels.

    Boxes are fractions of the size that the export recorded; where it recorded none, of the file's own.
    """
    categories = _categories(annotations["label"].unique(), params)
    rows_of: dict[str, list[Any]] = {}
    rows: Iterable[Any] = annotations.sort_values("annotation_id").itertuples()
    for row in rows:
        if row.label != EMPTY_LABEL:
            rows_of.setdefault(row.image_id, []).append(row)
    files = image_files.dropna(subset=["path"])[["image_id", "path", "checksum"]]
    present: Iterable[Any] = images.merge(files, on="image_id").itertuples()
    for image in present:
        found = rows_of.get(image.image_id, [])
        try:
            size = _drawn_on(image, found, store)
        except (OSError, UnreadableImageError) as error:
            yield LabelledImage(image.image_id, image.path, image.checksum, (), str(error))
            continue
        labels = tuple(_label(row, categories[row.label], size) for row in found)
        yield LabelledImage(image.image_id, image.path, image.checksum, labels)


def _categories(labels: Iterable[str], params: DetectionCroppingParams) -> dict[str, str]:
    """The category of every label in MegaDetector's format."""
    others = dict.fromkeys(map(str.casefold, params.vehicle_labels), VEHICLE)
    others |= dict.fromkeys(map(str.casefold, params.person_labels), PERSON)
    return {label: others.get(label.casefold(), ANIMAL) for label in labels}


def _drawn_on(image: Any, rows: list[Any], store: ImageFolder) -> tuple[int, int]:
    """The size in pixels that the boxes were drawn on; the file is opened only where the export does not tell."""
    if not pd.isna(image.width):
        return int(image.width), int(image.height)
    if any(row.box_unit == BoxUnit.PIXEL for row in rows):
        return Photograph(store.read(image.path)).size
    return 1, 1


def _label(row: Any, category: str, size: tuple[int, int]) -> Label:
    confidence = 1.0 if pd.isna(row.confidence) else float(row.confidence)
    return Label(row.annotation_id, row.label, category, confidence, _box(row, size))


def _box(row: Any, size: tuple[int, int]) -> RelativeBox | None:
    if pd.isna(row.box_left):
        return None
    sides = (float(row.box_left), float(row.box_top), float(row.box_width), float(row.box_height))
    box = RelativeBox(*sides) if row.box_unit == BoxUnit.FRACTION else PixelBox(*sides).relative_to(*size)
    edges = (box.left, box.top, 1 - box.left - box.width, 1 - box.top - box.height)
    return None if all(edge <= WHOLE_FRAME_TOLERANCE for edge in edges) else box
