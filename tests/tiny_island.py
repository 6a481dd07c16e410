"""The tiny island: an export and an archive of coloured boxes, and a project that points at them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from projects import Project

COLOURS = {"bird": (200, 60, 40), "fox": (40, 170, 60), "skunk": (230, 220, 60)}


def draw_tiny_island(folder: Path) -> None:
    """Draw 36 photographs of coloured boxes at nine locations, their archive and their export."""
    rng = np.random.default_rng(0)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(36):
        label = list(COLOURS)[number % 3]
        pixels = rng.integers(60, 120, (90, 120, 3), dtype=np.uint8)
        left, top = int(rng.integers(0, 80)), int(rng.integers(0, 60))
        pixels[top : top + 30, left : left + 40] = COLOURS[label]
        key = f"original/tiny:{number}-original.jpg"
        (folder / "archive" / key).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "archive" / key)
        record = {"id": f"tiny:{number}", "file_name": f"tiny/{number}.jpg", "serving_bucket_key": key}
        when = f"2024-{1 + number % 12:02d}-03T{number % 24:02d}:30:00.000-07:00"
        images.append(record | {"datetime": when, "location": f"place {number // 4}", "width": 120, "height": 90})
        box = {"id": f"a{number}", "image_id": f"tiny:{number}", "bbox": [left, top, 40, 30], "validated": True}
        annotations.append(box | {"category_id": 1 + number % 3})
    categories = [{"id": number, "name": name} for number, name in enumerate(["empty", *COLOURS])]
    export = {"images": images, "annotations": annotations, "categories": categories, "info": {}}
    (folder / "export.json").write_text(json.dumps(export), encoding="utf-8")


def point_at(
    project: Project, export: Path, endpoint_url: str, bucket: str, credentials: dict[str, str], dataset: str = "tiny"
) -> None:
    """Write into conf/local what the README tells a person to write for an export and a bucket of their own."""
    project.configure(
        "catalog",
        {
            "animl_export": {
                "type": "animl_kedro.datasets.label_exports.LabelExportsDataset",
                "datasets": {dataset: {"filepath": str(export)}},
            },
            "image_archive": {
                "type": "animl_kedro.datasets.image_archive.ImageArchiveDataset",
                "bucket": bucket,
                "endpoint_url": endpoint_url,
                "region": "us-east-1",
                "credentials": "archive",
            },
        },
    )
    project.configure("credentials", {"archive": credentials})
