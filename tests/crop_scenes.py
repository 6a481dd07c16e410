"""Images in a store with their labels, ready to be cropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from animl_kedro.formats.megadetector import CATEGORIES, Results
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.crops import CropTables, make_crops
from animl_kedro.pipelines.detection_cropping.nodes import collect_detections, crop_boxes
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams
from factories import DATASET, cropping_params, fill_store, make_image_files, make_images


class Made(NamedTuple):
    """The tables that cropping gives."""

    crops: pd.DataFrame
    rejected: pd.DataFrame
    orphans: pd.DataFrame


@dataclass
class Scene:
    """All that a cropping needs: tables, and the folders of images and of crops."""

    images: pd.DataFrame
    annotations: pd.DataFrame
    store: ImageFolder
    crops: ImageFolder

    @property
    def files(self) -> pd.DataFrame:
        return make_image_files(self.images, self.store)

    def path_of(self, number: int) -> Path:
        """The file of an image."""
        return self.store.path_of(f"{DATASET}/{self.images['file_name'][number]}")

    @property
    def detections(self) -> Results:
        """The annotated boxes."""
        return self.collect(cropping_params())

    def collect(self, params: DetectionCroppingParams, **found: dict[str, Any]) -> Results:
        """The boxes that these parameters take; `found` are a detector's entries by the image's path."""
        entries = [{"file": file, **entry} for file, entry in found.items()]
        detected = {"detection_categories": CATEGORIES, "images": entries}
        return collect_detections(self.images, self.annotations, self.files, self.store, detected, params)

    def make(self, **changes: Any) -> CropTables:
        """Crop the annotated boxes."""
        params = cropping_params(**changes)
        return make_crops(self.detections, self.images, self.files, self.store, self.crops, params)

    def run_nodes(self, params: DetectionCroppingParams | None = None, **found: dict[str, Any]) -> Made:
        """Run the nodes of the pipeline that need no detector."""
        params = params or cropping_params()
        return Made(
            *crop_boxes(
                self.collect(params, **found),
                self.images,
                self.annotations,
                self.files,
                self.store,
                self.crops,
                params,
            )
        )


def scene(folder: Path, annotations: pd.DataFrame, images: int = 3, **columns: Sequence[Any]) -> Scene:
    """A scene with these labels, and a picture of coordinates for every image."""
    table = make_images(images, **columns)
    made = Scene(table, annotations, ImageFolder(folder / "store"), ImageFolder(folder / "crops"))
    fill_store(made.store, table)
    return made


def cut_off(path: Path) -> None:
    """Leave half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
