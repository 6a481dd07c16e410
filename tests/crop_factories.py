"""Tables of crops, and crops in files, for the tests of the later pipelines."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from animl_kedro.formats.location_splits import LocationSplits
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.pipelines.dataset_split.splitting import divide
from animl_kedro.tables import BoxSource, Crops, FileStatus, ImageFiles, LabeledCrops

COLOURS = {"bird": (200, 60, 40), "fox": (40, 170, 60), "lizard": (40, 60, 210), "skunk": (230, 220, 60)}
"""What a crop of a class looks like: easy to tell apart."""


def make_crops(
    locations: int = 12, crops: int = 120, shares: Mapping[str, float] | None = None, seed: int = 0
) -> pd.DataFrame:
    """`Crops` with this many rows at this many locations, labels drawn by their shares."""
    shares = shares or {"bird": 0.3, "fox": 0.5, "lizard": 0.2}
    rng = np.random.default_rng(seed)
    labels = rng.choice(list(shares), size=crops, p=list(shares.values()))
    places = rng.integers(locations, size=crops)
    return Crops.of(
        [
            crop_row(number, f"place {place}", label)
            for number, (place, label) in enumerate(zip(places, labels, strict=True))
        ]
    )


def with_rows(crops: pd.DataFrame, rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """`Crops` with more rows at its end."""
    return Crops.of([*map(dict, crops.to_dict("records")), *rows])


def crop_row(number: int, location: str | None, label: str) -> dict[str, object]:
    """One row of `Crops`."""
    return {
        "crop_id": f"island/{number:04d}.jpg___crop00.jpg",
        "dataset": "island",
        "image_id": f"island:{number:04d}",
        "image_path": f"island/{number:04d}.jpg",
        "annotation_id": f"{number:04d}",
        "location": location,
        "sequence_id": None,
        "datetime": None,
        "label": label,
        "box_source": BoxSource.ANNOTATION,
        "detector": None,
        "confidence": 1.0,
        **{"box_left": 0.0, "box_top": 0.0, "box_width": 10.0, "box_height": 10.0},
        **{"relative_left": 0.0, "relative_top": 0.0, "relative_width": 0.1, "relative_height": 0.1},
        "width": 40,
        "height": 40,
        "settings": "0" * 16,
    }


def make_labeled_crops(crops: pd.DataFrame) -> pd.DataFrame:
    """`LabeledCrops` of `Crops`, whose labels are the classes."""
    return LabeledCrops.validate(crops.assign(dataset_label=crops["label"])[list(LabeledCrops.to_schema().columns)])


def make_image_files(crops: pd.DataFrame, checksums: Mapping[str, str] | None = None) -> pd.DataFrame:
    """`ImageFiles` of the images of crops, all different but for those whose checksums are given."""
    return ImageFiles.of(
        [
            {
                "image_id": image,
                "key": image,
                "path": f"{image}.jpg",
                "bytes": 1,
                "checksum": (checksums or {}).get(image, f"checksum of {image}"),
                "status": FileStatus.PRESENT,
                "error": None,
            }
            for image in crops["image_id"].unique()
        ]
    )


def split_crops(labeled_crops: pd.DataFrame, params: DatasetSplitParams) -> pd.DataFrame:
    """`Splits` of crops, without earlier splits and with different files."""
    return divide(labeled_crops, make_image_files(labeled_crops), LocationSplits(), LocationSplits(), params).splits


def split_params(**changes: object) -> DatasetSplitParams:
    """Parameters that leave nothing out, with changes."""
    return DatasetSplitParams.model_validate({"min_locations": 1, "min_crops": 1, **changes})


def write_crops(crops: pd.DataFrame, folder: Path, seed: int = 0) -> ImageFolder:
    """Write a noisy picture in the colour of its class for every crop."""
    rng = np.random.default_rng(seed)
    crop_folder = ImageFolder(folder)
    for row in crops.sort_values("crop_id").to_dict("records"):
        path = crop_folder.path_of(row["crop_id"])
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(-30, 31, size=(40, 40, 3))
        pixels = np.clip(np.array(COLOURS[row["label"]]) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(path, quality=95)
    return crop_folder
