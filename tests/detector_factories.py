"""Images to be looked at, a detector that finds what a test tells it, and results as others write them."""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.detecting import WantedImage

Outcome = list[dict[str, Any]] | str


def make_detection(**changes: Any) -> dict[str, Any]:
    return {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]} | changes


def add_image(store: ImageFolder, path: str, size: tuple[int, int] = (8, 6), grey: int = 0) -> WantedImage:
    """Write a grey image into a store; its checksum is that of the file."""
    file = store.path_of(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (grey, grey, grey)).save(file, format="PNG")
    return WantedImage(path, f"{zlib.crc32(file.read_bytes()):08x}")


def make_results(files: dict[str, Any], detector: str | None = "md_v5a.0.0.pt", **changes: Any) -> dict[str, Any]:
    """Results of others: detections by file, or a whole entry as it is."""
    return {
        "info": {"format_version": "1.2"} | ({"detector": detector} if detector else {}),
        "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
        "images": [
            {"file": file, **(entry if isinstance(entry, dict) else {"detections": entry})}
            for file, entry in files.items()
        ],
    } | changes


class FakeDetector:
    """Notes the sizes of the images that it is given, and finds what `find_in` says of each."""

    def __init__(self, find_in: Callable[[Image.Image], Outcome], batch_size: int = 1) -> None:
        self.batch_size = batch_size
        self.seen: list[tuple[int, int]] = []
        self.batches: list[int] = []
        self.loaded: list[Path] = []
        self.find_in = find_in

    def load(self, weights: Path) -> "FakeDetector":
        self.loaded.append(weights)
        return self

    def find(self, images: Sequence[Image.Image]) -> list[Outcome]:
        self.batches.append(len(images))
        self.seen += [image.size for image in images]
        return [self.find_in(image) for image in images]
