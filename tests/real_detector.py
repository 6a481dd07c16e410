"""Runs MegaDetector's true code on a tiny network of its kind: python real_detector.py make|run <folder>.

The weights of a real one have 280 MB and cannot be had everywhere. This network is of the same architecture, with
random weights: it finds boxes that mean nothing, but depend on the pixels. Each step is a process of its own, since the
packages change others as they are imported.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import ExifTags, Image

from animl_kedro.errors import InputError
from animl_kedro.formats.detector_cache import DetectorCache
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.detecting import WantedImage, detect
from animl_kedro.pipelines.detection_cropping.detector import load_detector
from animl_kedro.pipelines.detection_cropping.detector_models import MODELS
from animl_kedro.pipelines.detection_cropping.parameters import DetectorParams

NAMES = ("upright.png", "turned.png", "sideways.png", "other.png", "text.png")


def make_weights(path: Path) -> None:
    """Write a checkpoint as MegaDetector's, of the smallest network of its family."""
    package = Path(str(import_module("yolov5").__file__)).parent
    torch.manual_seed(0)
    model = import_module("models.yolo").Model(str(package / "models/hub/yolov5n6.yaml"), ch=3, nc=3)
    for _ in range(5):  # lest normalisation wipes out all that the pixels say
        model(torch.rand(2, 3, 256, 256))
    with torch.no_grad():
        for layer in model.model[-1].m:
            layer.bias.view(3, -1)[:, 4:] += 4  # or nothing would be confident enough to be found
            layer.weight *= 3
    model.names = ["animal", "person", "vehicle"]
    torch.save({"model": model.half()}, path)


def make_images(folder: Path) -> None:
    """Write a picture upright, with the camera turned, turned without a note of that, and another picture."""
    folder.mkdir(parents=True)
    blocks = np.random.default_rng(1).integers(0, 256, (2, 3, 4, 3), dtype=np.uint8)
    upright, other = (Image.fromarray(blocks[i].repeat(40, axis=0).repeat(40, axis=1)) for i in range(2))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    sideways = upright.transpose(Image.Transpose.ROTATE_90)
    upright.save(folder / "upright.png")
    sideways.save(folder / "turned.png", exif=exif)
    sideways.save(folder / "sideways.png")
    other.save(folder / "other.png")
    (folder / "text.png").write_text("no image")


def message_of_damaged_weights(path: Path) -> str:
    path.write_bytes(b"no weights")
    try:
        load_detector(path)
    except InputError as error:
        return str(error)
    return "it was loaded"


def run(folder: Path) -> dict[str, Any]:
    """What we find, what is found again from the cache, and what the package's own program finds."""
    weights = folder / "tiny.pt"
    open_by_pillow = Image.open
    store, cache = ImageFolder(folder / "images"), DetectorCache(folder / "cache")
    wanted = [WantedImage(f"island/{name}", name) for name in NAMES]
    params = DetectorParams(model="tiny", weights=str(weights))
    found = detect(wanted, store, {}, cache, params)
    left_alone = Image.open is open_by_pillow
    files = [str(store.path_of(f"island/{name}")) for name in NAMES if name != "text.png"]
    program = import_module("megadetector.detection.run_detector_batch")
    theirs = program.load_and_run_detector_batch(str(weights), files, confidence_threshold=0.01, quiet=True)
    releases = [release for model in MODELS for release in model.releases]
    known_models = import_module("megadetector.detection.run_detector").known_models
    published = {model["url"]: model.get("md5") for model in known_models.values()}
    return {
        "found": found,
        "found_again": detect(wanted, store, {}, cache, params),
        "cached": [str(path.relative_to(folder)) for path in (folder / "cache").rglob("*.json")],
        "theirs": {Path(entry["file"]).name: entry["detections"] for entry in theirs},
        "damaged": message_of_damaged_weights(folder / "damaged.pt"),
        "unlike_published": [release.url for release in releases if published.get(release.url) != release.md5],
        "pillow_left_alone": left_alone,
    }


if __name__ == "__main__":
    place = Path(sys.argv[2])
    if sys.argv[1] == "make":
        make_weights(place / "tiny.pt")
        make_images(place / "images" / "island")
    else:
        (place / "report.json").write_text(json.dumps(run(place)))
