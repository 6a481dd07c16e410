"""How many photographs a second are cropped on this machine, beside today's script and the least that must be done.

    python benchmarks/crop.py [--images 1000] [--rounds 3] [--workload FOLDER] [--script FILE]
    python benchmarks/crop.py --memory

Each run is in turn with the others and into an empty folder, with two workers. The floor reads a photograph, decodes
the part that its crops show, encodes them at our quality, writes them, and does nothing else; "floor, whole" decodes
all with Pillow. ``--script`` is the crop script of tnc-ca-geo/animl-ml, classification/utils/crop_detections.py, if you
have it, which encodes at quality 75. These keep every pixel, so ours is timed with every pixel too, and as it is by
default, which reduces large crops. ``--workload`` is a folder with images/ and cct.json, instead of photographs drawn
here: 2048 × 1536 pixels, 0.9 MB, a box or two on each.

What is timed of ours is `make_crops`, from its call to the rows of all crops; the whole process, which starts Python
and imports pandas, stands beside it, and so do the CPU seconds of all of that and of the workers, which depend less on
what else the machine does. ``--memory`` tells the peak memory of a process that crops a photograph of 24 megapixels.
"""

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image

from animl_kedro.images import DECODE_REGION, Window
from animl_kedro.pipelines.detection_cropping.parameters import CroppingParams, DetectionCroppingParams

SIZE = (2048, 1536)
DISTINCT = 40
"""Photographs that are drawn; the others are copies, which are no faster to decode."""
WORKERS = 2
OURS_LIKE_OTHERS = "every pixel"
"""The case of ours that does what the others do."""

OURS = """
import json, sys, time
from pathlib import Path
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.crops import make_crops
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams
from animl_kedro.tables import ImageFiles, Images
export, images, out, params = sys.argv[1:]
export = json.loads(Path(export).read_bytes())
sizes = {image["id"]: (image["width"], image["height"]) for image in export["images"]}
detections = {image["id"]: [] for image in export["images"]}
for label in export["annotations"]:
    width, height = sizes[label["image_id"]]
    left, top, box_width, box_height = label["bbox"]
    box = [left / width, top / height, box_width / width, box_height / height]
    detections[label["image_id"]].append({
        "category": "1", "conf": 1.0, "bbox": box, "annotation_id": label["id"], "classifications": [["0", 1.0]]
    })
tables = [
    Images.of([(i["id"], "bench", i["file_name"], i["file_name"], None, None, None, i["width"], i["height"])
               for i in export["images"]]),
    ImageFiles.of([(i["id"], i["file_name"], i["file_name"], 1, i["id"], "present", None) for i in export["images"]]),
]
results = {
    "info": {"format_version": "1.6"},
    "detection_categories": {"1": "animal"},
    "classification_categories": {"0": "animal"},
    "images": [{"file": i["file_name"], "detections": detections[i["id"]]} for i in export["images"]],
}
if __name__ == "__main__":
    started = time.perf_counter()
    params = DetectionCroppingParams.model_validate_json(params)
    made = make_crops(results, *tables, ImageFolder(Path(images)), ImageFolder(Path(out)), params)
    assert len(made.crops) == len(export["annotations"]), made.rejected[:3]
    print(time.perf_counter() - started)
"""


class Timing(NamedTuple):
    """Seconds of the cropping and of the whole process, and the CPU seconds of it and its workers."""

    seconds: float
    process_seconds: float
    cpu_seconds: float


def draw_photograph(path: Path, seed: int) -> None:
    """Draw a landscape out of coarse colours, with the noise of a sensor over it."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    for cells, strength in ((6, 90), (40, 40), (300, 25)):
        coarse = rng.uniform(-strength, strength, (cells * 3 // 4, cells, 3)).astype(np.float32)
        channels = [
            Image.fromarray(coarse[:, :, channel]).resize(SIZE, Image.Resampling.BICUBIC) for channel in range(3)
        ]
        pixels += np.dstack([np.asarray(channel) for channel in channels])
    pixels += 110 + rng.normal(0, 3, (SIZE[1], SIZE[0], 1)).astype(np.float32)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=90)


def draw_workload(folder: Path, count: int) -> None:
    """Write photographs and an export with their boxes, from a twentieth to a third of the frame's width."""
    rng = random.Random(0)
    (folder / "images" / "camera").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(count):
        name = f"camera/{number:06d}.jpg"
        path = folder / "images" / name
        if number < DISTINCT:
            draw_photograph(path, number)
        else:
            shutil.copy(folder / "images" / f"camera/{number % DISTINCT:06d}.jpg", path)
        images.append({"id": f"i{number}", "file_name": name, "width": SIZE[0], "height": SIZE[1]})
        for _ in range(rng.choices((1, 2), (0.85, 0.15))[0]):
            width, height = rng.randint(100, 680), rng.randint(100, 500)
            box = [rng.randint(0, SIZE[0] - width), rng.randint(0, SIZE[1] - height), width, height]
            annotations.append({"id": f"a{len(annotations)}", "image_id": f"i{number}", "bbox": box})
    export = {"images": images, "annotations": annotations, "categories": []}
    (folder / "cct.json").write_text(json.dumps(export), encoding="utf-8")


def read_workload(folder: Path, count: int) -> dict[str, Any]:
    """The export's first images that have a box which is not the whole frame, as that of an empty image is."""
    export: dict[str, Any] = json.loads((folder / "cct.json").read_bytes())
    sizes = {image["id"]: [0, 0, image["width"], image["height"]] for image in export["images"]}
    boxed = [label for label in export["annotations"] if label["bbox"] != sizes[label["image_id"]]]
    wanted = {label["image_id"] for label in boxed}
    images = [image for image in export["images"] if image["id"] in wanted][:count]
    kept = {image["id"] for image in images}
    return export | {"images": images, "annotations": [label for label in boxed if label["image_id"] in kept]}


class Work(NamedTuple):
    """What a floor does with a photograph: its file and size, the windows of its crops, and where they go."""

    image: Path
    size: tuple[int, int]
    windows: list[Window]
    crops: list[Path]


def square(box: list[float], size: tuple[int, int]) -> Window:
    """The smallest square around a box, shifted into the frame as far as it goes."""
    left, top, width, height = map(round, box)
    side = max(width, height)
    x = max(min(left - (side - width) // 2, size[0] - side), 0)
    y = max(min(top - (side - height) // 2, size[1] - side), 0)
    return x, y, x + side, y + side


def floor_work(export: dict[str, Any], images: Path, out: Path) -> list[Work]:
    """The work of all photographs."""
    boxes: dict[str, list[list[float]]] = {image["id"]: [] for image in export["images"]}
    for label in export["annotations"]:
        boxes[label["image_id"]].append(label["bbox"])
    works = []
    for image in export["images"]:
        size, name = (image["width"], image["height"]), image["file_name"]
        windows = [square(box, size) for box in boxes[image["id"]]]
        crops = [out / f"{name}___crop{number:02d}.jpg" for number in range(len(windows))]
        works.append(Work(images / name, size, windows, crops))
    return works


def cut_region(work: Work) -> list[Image.Image]:
    """Decode what the crops show."""
    assert DECODE_REGION is not None
    lefts, tops, rights, bottoms = zip(*work.windows, strict=True)
    left, top = max(min(lefts), 0), max(min(tops), 0)
    right, bottom = min(max(rights), work.size[0]), min(max(bottoms), work.size[1])
    pixels = DECODE_REGION(work.image.read_bytes(), work.size, (left, top, right, bottom))
    region = Image.frombytes("RGB", (right - left, bottom - top), pixels)
    return [region.crop((x0 - left, y0 - top, x1 - left, y1 - top)) for x0, y0, x1, y1 in work.windows]


def cut_whole(work: Work) -> list[Image.Image]:
    """Decode all."""
    with Image.open(work.image) as image:
        return [image.crop(window) for window in work.windows]


def crop_floor(work: Work, params: CroppingParams, cut: Callable[[Work], list[Image.Image]]) -> None:
    """Make the crops of a photograph."""
    for crop, path in zip(cut(work), work.crops, strict=True):
        crop.save(path, quality=params.jpeg_quality)


def children_cpu() -> float:
    """CPU seconds of all processes that this one started and saw end."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_floor(works: list[Work], params: CroppingParams, cut: Callable[[Work], list[Image.Image]]) -> Timing:
    """Time a floor in as many processes as the others have."""
    cpu, started = children_cpu(), time.perf_counter()
    pool = multiprocessing.get_context("fork").Pool(WORKERS)
    for _ in pool.imap_unordered(partial(crop_floor, params=params, cut=cut), works, chunksize=16):
        pass
    pool.close()
    pool.join()
    seconds = time.perf_counter() - started
    return Timing(seconds, seconds, children_cpu() - cpu)


def run_command(command: list[str]) -> Timing:
    """Time a command, which prints the seconds of its work if it is ours."""
    cpu, started = children_cpu(), time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if result.returncode:
        sys.exit(f"{command[:2]} failed: {result.stdout[-500:]} {result.stderr[-2000:]}")
    told = float(result.stdout.split()[-1]) if command[1] == "-c" else seconds
    return Timing(told, seconds, children_cpu() - cpu)


def cases_of(folder: Path, workload: Path, arguments: argparse.Namespace) -> dict[str, Callable[[], Timing]]:
    """What is timed; all make the same crops in the same folder."""
    export = read_workload(workload, arguments.images)
    (folder / "export.json").write_text(json.dumps(export), encoding="utf-8")
    images, out = workload / "images", folder / "out"
    every_pixel = CroppingParams(max_side=None)
    files = [str(folder / "export.json"), str(images), str(out)]
    works = floor_work(export, images, out)

    def ours(cropping: CroppingParams) -> Callable[[], Timing]:
        params = DetectionCroppingParams(processes=WORKERS, cropping=cropping)
        return partial(run_command, [sys.executable, "-c", OURS, *files, params.model_dump_json()])

    cases: dict[str, Callable[[], Timing]] = {
        OURS_LIKE_OTHERS: ours(every_pixel),
        "by default": ours(CroppingParams()),
        "floor, whole": partial(run_floor, works, every_pixel, cut_whole),
    }
    if DECODE_REGION is not None:
        cases["floor"] = partial(run_floor, works, every_pixel, cut_region)
    if arguments.script:
        options = ["--images-dir", files[1], "--threads", str(WORKERS), "--logdir", str(folder)]
        cases["script"] = partial(run_command, [sys.executable, arguments.script, files[0], files[2], *options])
    return cases


def prepare(folder: Path) -> None:
    """Empty the folder for the crops, with the folders in which the floors write."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    export = json.loads((folder / "export.json").read_bytes())
    for image in export["images"]:
        (folder / "out" / image["file_name"]).parent.mkdir(parents=True, exist_ok=True)
    os.sync()


def show(timings: dict[str, list[Timing]], images: int) -> None:
    """Print the medians, and their ratios to ours."""

    def median(name: str, figure: Callable[[Timing], float]) -> float:
        return statistics.median(map(figure, timings[name]))

    ours = median(OURS_LIKE_OTHERS, lambda timing: timing.seconds)
    ours_cpu = median(OURS_LIKE_OTHERS, lambda timing: timing.cpu_seconds)
    print(f"{'':12} {'images/s':>9} {'least':>6} {'most':>6} {'whole process':>14} {'CPU ms an image':>16}", end="")
    print("   this / ours with every pixel: time, CPU")
    for name, rounds in timings.items():
        rates = sorted(images / timing.seconds for timing in rounds)
        seconds, cpu = median(name, lambda timing: timing.seconds), median(name, lambda timing: timing.cpu_seconds)
        process = images / median(name, lambda timing: timing.process_seconds)
        print(f"{name:12} {images / seconds:9.0f} {rates[0]:6.0f} {rates[-1]:6.0f} {process:14.0f}", end="")
        print(f" {1000 * cpu / images:16.1f}   {seconds / ours:.2f} {cpu / ours_cpu:.2f}")


MEMORY = """
import io, re, sys
from pathlib import Path
import animl_kedro.pipelines.detection_cropping.cropping  # all that a worker imports
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.cropping.pictures import cut
from animl_kedro.images import Photograph

def peak():  # of this program alone, which resource.getrusage does not give
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) // 1024

before = peak()
photograph = Photograph(Path(sys.argv[1]).read_bytes())
width, height = photograph.size
left, top, right, bottom = map(float, sys.argv[3:])
window = (int(left * width), int(top * height), int(right * width), int(bottom * height))
for crop in cut(photograph, [window], CroppingParams(max_side=int(sys.argv[2]) or None)):
    crop.save(io.BytesIO(), "JPEG", quality=95)
print(f"{before} MB before, {peak()} MB at most, a crop of", crop.size)
"""


def show_memory(folder: Path) -> None:
    """Print the peak memory of a process that crops a photograph of 24 megapixels."""
    large = Image.effect_noise((6000, 4000), 40).convert("RGB")
    exif = Image.Exif()
    for progressive in (False, True):
        for orientation in (1, 6):
            exif[ExifTags.Base.Orientation] = orientation
            large.save(folder / "large.jpg", quality=85, exif=exif, progressive=progressive)
            kind = f"{'progressive' if progressive else 'baseline'}, orientation {orientation}"
            for box in ("0.4 0.4 0.5 0.5", "0 0 1 1"):
                for max_side in ("0", "512"):
                    command = [sys.executable, "-c", MEMORY, str(folder / "large.jpg"), max_side, *box.split()]
                    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
                    print(f"{kind}, the box {box}, longest side {max_side}: {told}")


def main() -> None:
    """Make the photographs, time all cases in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workload", type=Path)
    parser.add_argument("--script")
    parser.add_argument("--memory", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.memory:
            show_memory(folder)
            return
        workload = arguments.workload or folder / "workload"
        if not arguments.workload:
            draw_workload(workload, arguments.images)
        cases = cases_of(folder, workload, arguments)
        timings: dict[str, list[Timing]] = {case: [] for case in cases}
        for _ in range(arguments.rounds):
            for case, run in cases.items():
                prepare(folder)
                timings[case].append(run())
        export = json.loads((folder / "export.json").read_bytes())
    images = len(export["images"])
    print(f"{images} images, {len(export['annotations'])} boxes, {arguments.rounds} rounds, {WORKERS} workers")
    show(timings, images)


if __name__ == "__main__":
    main()
