"""Exports, tables and images to ingest and to crop: small and whole, and as crooked as a test wants them."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import yaml
from kedro.io import DataCatalog
from PIL import ExifTags, Image

from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.key_rule import KeyRule
from animl_kedro.formats.label_export import LabelExport
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.parameters import CroppingParams, DetectionCroppingParams
from animl_kedro.pipelines.ingestion.parameters import IngestionParams, SelectionParams
from animl_kedro.tables import Annotations, BoxUnit, FileStatus, ImageFiles, Images

CONF = Path(__file__).parents[1] / "conf"
DATASET = "island"
CATEGORIES = ({"id": 0, "name": "empty"}, {"id": 1, "name": "fox"}, {"id": 2, "name": "bird"})
IMAGE_SIZE = (200, 150)
"""Small enough that red and green can tell a pixel's coordinates."""

PACKAGE = {
    "datapackage.json": orjson.dumps(
        {
            "name": "island",
            "resources": [{"name": name, "path": f"{name}.csv"} for name in ("deployments", "media", "observations")],
        }
    ),
    "deployments.csv": b"deploymentID,locationID\nd1,ridge\n",
    "media.csv": b"mediaID,deploymentID,timestamp,filePath,fileMediatype\n"
    b"m1,d1,2024-05-06T07:08:09Z,media/1.jpg,image/jpeg\n",
    "observations.csv": b"observationID,deploymentID,mediaID,eventStart,eventEnd,observationLevel,observationType\n"
    b"o1,d1,m1,,,media,human\n",
}
"""The files of a Camtrap DP package with one image and one label."""


def ingestion_params(**selection: Any) -> IngestionParams:
    """Parameters of the ingestion that select so, with the defaults of the project."""
    return IngestionParams(selection=SelectionParams(**selection))


def exports_of(export: CctExport, key: str = "{serving_bucket_key}", dataset: str = DATASET) -> dict[str, LabelExport]:
    """An export as the catalog gives it, of one data set."""
    return {dataset: LabelExport(export, KeyRule(key))}


def image_record(number: int, **changes: Any) -> dict[str, Any]:
    """An image's record as Animl writes it."""
    record = {
        "id": image_id(number),
        "file_name": f"camera/{number:04d}.jpg",
        "original_file_name": f"IMG_{number:04d}.JPG",
        "serving_bucket_key": f"original/{image_id(number)}-original.jpg",
        "datetime": "2024-05-06T07:08:09.000-07:00",
        "location": f"place {number % 4}",
        "width": IMAGE_SIZE[0],
        "height": IMAGE_SIZE[1],
    }
    return record | changes


def annotation_record(number: int, **changes: Any) -> dict[str, Any]:
    """A label's record as Animl writes it: a validated fox, on the image of the same number."""
    record = {
        "id": f"label-{number:04d}",
        "image_id": image_id(number),
        "category_id": 1,
        "sequence_level_annotation": False,
        "bbox": [60, 40, 50, 30],
        "confidence": None,
        "validated": True,
        "validated_by": "ranger@example.org",
    }
    return record | changes


def image_id(number: int) -> str:
    """Animl's form of an image's id."""
    return f"{DATASET}:{number:04d}"


def make_export(
    images: Sequence[Any] | int = 3,
    annotations: Sequence[Any] | None = None,
    categories: Sequence[Any] = CATEGORIES,
) -> CctExport:
    """An export of these records, or of so many images with one label each."""
    records = [image_record(number) for number in range(images)] if isinstance(images, int) else images
    if annotations is None:
        annotations = [annotation_record(number) for number in range(len(records))]
    return CctExport(images=records, annotations=annotations, categories=categories, info={"version": "1.0"})


def export_bytes(export: CctExport, *, indent: bool = False) -> bytes:
    """The file that Animl writes of an export: the categories stand at its end."""
    content = {
        "images": list(export.images),
        "annotations": list(export.annotations),
        "categories": list(export.categories),
        "info": dict(export.info),
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 if indent else None)


def make_images(number: int = 3, **columns: Sequence[Any]) -> pd.DataFrame:
    """`Images` with so many rows; a column that is given replaces the usual one."""
    return Images.of(
        [
            {
                "image_id": image_id(row),
                "dataset": DATASET,
                "key": f"original/{image_id(row)}-original.jpg",
                "file_name": f"camera/{row:04d}.jpg",
                "location": f"place {row % 4}",
                "sequence_id": None,
                "datetime": pd.Timestamp("2024-05-06T07:08:09"),
                "width": IMAGE_SIZE[0],
                "height": IMAGE_SIZE[1],
            }
            | {name: values[row] for name, values in columns.items()}
            for row in range(number)
        ]
    )


def make_annotations(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """`Annotations`: for every row an image's number, a label and a box of four pixels (None: no box)."""
    sides = ("left", "top", "width", "height")
    return Annotations.of(
        [
            {
                "annotation_id": row.get("annotation_id", f"label-{number:04d}"),
                "image_id": image_id(row.get("image", 0)),
                "label": row.get("label", "fox"),
                "box_unit": BoxUnit.PIXEL if row.get("box") else None,
                "confidence": row.get("confidence"),
            }
            | {f"box_{side}": value for side, value in zip(sides, row.get("box") or (None,) * 4, strict=True)}
            for number, row in enumerate(rows)
        ]
    )


def make_image_files(images: pd.DataFrame, store: ImageFolder) -> pd.DataFrame:
    """`ImageFiles`, the manifest of what the store holds of these images."""
    return ImageFiles.of([_file_row(row, store) for row in images.to_dict("records")])


def _file_row(row: Mapping[Any, Any], store: ImageFolder) -> dict[str, Any]:
    path = f"{row['dataset']}/{row['file_name']}"
    file = store.path_of(path)
    base = {"image_id": row["image_id"], "key": row["key"]}
    if not file.is_file():
        return base | {"status": FileStatus.MISSING, "error": f"no key {row['key']!r}"}
    data = file.read_bytes()
    checksum = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return base | {"path": path, "bytes": len(data), "checksum": checksum, "status": FileStatus.DOWNLOADED}


def coordinates(size: tuple[int, int] = IMAGE_SIZE) -> Image.Image:
    """A picture whose every pixel tells its place: red is x, green is y, blue is 128; at most 256 pixels wide."""
    x, y = np.meshgrid(np.arange(size[0], dtype=np.uint8), np.arange(size[1], dtype=np.uint8))
    return Image.fromarray(np.dstack([x, y, np.full_like(x, 128)]))


def write_jpeg(path: Path, size: tuple[int, int] = IMAGE_SIZE, orientation: int | None = None) -> Path:
    """Write a picture of coordinates as a JPEG, with an EXIF orientation if one is given."""
    return write_image(path, coordinates(size), "JPEG", orientation=orientation, quality=95, subsampling=0)


def write_image(
    path: Path, image: Image.Image, image_format: str, orientation: int | None = None, **options: Any
) -> Path:
    """Write a picture under any name in any format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if orientation is not None:
        options["exif"] = exif_of(orientation)
    image.save(path, format=image_format, **options)
    return path


def exif_of(orientation: int) -> Image.Exif:
    """EXIF data that tells an orientation."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def fill_store(store: ImageFolder, images: pd.DataFrame, size: tuple[int, int] = IMAGE_SIZE) -> None:
    """Write a picture of coordinates, as PNG under its own name, for every image."""
    for file_name in images["file_name"]:
        write_image(store.path_of(f"{DATASET}/{file_name}"), coordinates(size), "PNG")


def cropping_params(**changes: Any) -> DetectionCroppingParams:
    """Parameters of detection and cropping, those of `cropping` by their names: in this process, every pixel kept."""
    cropping = {name: changes.pop(name) for name in list(changes) if name in CroppingParams.model_fields}
    return DetectionCroppingParams(
        cropping=CroppingParams(**({"max_side": None} | cropping)), **({"processes": 1} | changes)
    )


def catalog_entries(pipeline: str) -> dict[str, dict[str, Any]]:
    """The project's own catalog entries of a pipeline, with their files below the folder that the globals name."""
    text = (CONF / "base" / "catalog" / f"{pipeline}.yml").read_text(encoding="utf-8")
    for name, value in yaml.safe_load((CONF / "base" / "globals.yml").read_text(encoding="utf-8")).items():
        text = text.replace(f"${{globals:{name}}}", value)
    entries: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return entries


def catalog_of(pipeline: str, folder: Path) -> DataCatalog:
    """The project's own catalog entries of a pipeline that save tables and results, with their files in a folder."""
    entries = catalog_entries(pipeline)
    files = {name: entry for name, entry in entries.items() if "filepath" in entry}
    return DataCatalog.from_config(
        {name: entry | {"filepath": str(folder / Path(entry["filepath"]).name)} for name, entry in files.items()}
    )
