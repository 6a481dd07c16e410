"""How long detection and cropping take when every crop is there already, and in how much memory.

    python benchmarks/rerun_crops.py [--crops 100000] [--rounds 3]

Each run is a process of its own, which loads the tables from their files, runs the nodes from the labels to the table
of crops, and saves what they make. The crops' files are a few bytes each, with a ledger that tells of them: a rerun
opens none. The reference, timed in the same rounds, asks the file system for size and time of each file and does
nothing else.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PREPARE = """
import resource, sys, time
from pathlib import Path
import pandas as pd
from animl_kedro.boxes import PixelBox
from animl_kedro.datasets.megadetector_results import MegaDetectorResultsDataset
from animl_kedro.formats.megadetector import CATEGORIES
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.crop_files import Note
from animl_kedro.pipelines.detection_cropping.crop_ledger import Entry, write_ledger
from animl_kedro.pipelines.detection_cropping.crops import _plan
from animl_kedro.pipelines.detection_cropping.crop_rows import detection_rows
from animl_kedro.pipelines.detection_cropping.nodes import collect_detections, crop_boxes
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams
from animl_kedro.tables import Annotations, ImageFiles, Images
folder, count = Path(sys.argv[1]), int(sys.argv[2])
store, crop_folder, params = ImageFolder(folder / "images"), ImageFolder(folder / "crops"), DetectionCroppingParams()
results = MegaDetectorResultsDataset(filepath=str(folder / "detections.json"))
names = ("images", "annotations", "image_files")
nobody = {"detection_categories": CATEGORIES, "images": []}
"""

WRITE = """
start = pd.Timestamp("2024-01-01")
images = Images.of([
    (f"i{n}", "bench", f"k{n}", f"X{n % 150}/{n:032x}.jpg", f"place {n % 150}", None,
     start + pd.Timedelta(seconds=30 * n), 2048, 1536)
    for n in range(count)
])
annotations = Annotations.of([(f"a{n}", f"i{n}", "fox", "pixel", 10.0, 20.0, 300.0, 200.0, None) for n in range(count)])
paths = images["dataset"] + "/" + images["file_name"]
image_files = ImageFiles.of([
    (f"i{n}", f"k{n}", path, 1000, f"{n:032x}", "present", None) for n, path in enumerate(paths)
])
for name, table in zip(names, (images, annotations, image_files), strict=True):
    table.to_parquet(folder / f"{name}.parquet")
detections = collect_detections(images, annotations, image_files, store, nobody, params)
settings = params.cropping.checksum()
rows = [row | {"settings": settings} for row in detection_rows(detections, images, image_files)]
note = PixelBox(10.0, 20.0, 300.0, 200.0), (2048, 1536), (300, 300)
write_ledger(crop_folder, {
    box.crop_id: Entry(Note(box.fingerprint, *note), crop_folder.write(box.crop_id, b"a crop"))
    for task in _plan(rows, {}, {}).tasks for box in task.boxes
})
"""

OURS = """
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
started = time.perf_counter()
tables = [pd.read_parquet(folder / f"{name}.parquet") for name in names]
results.save(collect_detections(*tables, store, nobody, params))
crops, rejected, orphans = crop_boxes(results.load(), *tables, store, crop_folder, params)
crops.to_parquet(folder / "crops.parquet")
seconds = time.perf_counter() - started
assert (len(crops), len(rejected), len(orphans)) == (count, 0, 0)
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before)
"""

REFERENCE = """
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
started = time.perf_counter()
assert len(crop_folder.stats()) == count
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before)
"""


def measure(code: str, folder: Path, count: int) -> list[float]:
    """Run a piece of code in a process of its own: seconds, and peak memory in MB after and before."""
    command = [sys.executable, "-c", PREPARE + code, str(folder), str(count)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(number) for number in output.split()]


def main() -> None:
    """Write tables and crops, time reruns and the reference in turn, print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure(WRITE, folder, arguments.crops)
        rounds = [
            (measure(REFERENCE, folder, arguments.crops), measure(OURS, folder, arguments.crops))
            for _ in range(arguments.rounds)
        ]
    print(f"{arguments.crops:,} crops, {arguments.rounds} rounds")
    for name, results in zip(("size and time alone", "rerun"), zip(*rounds, strict=True), strict=True):
        seconds, memory, before = (statistics.median(column) for column in zip(*results, strict=True))
        print(f"{name:20} {seconds:6.2f} s {memory:6.0f} MB, of these {before:.0f} MB before it began")


if __name__ == "__main__":
    main()
