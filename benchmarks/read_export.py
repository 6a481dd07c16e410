"""How long an export of 250,000 images and 300,000 annotations takes from file to checked tables, and how much memory.

    python benchmarks/read_export.py [--images 250000] [--annotations 300000] [--rounds 3]

Each round is a process of its own. The reference, timed in the same rounds, is Python's json reading the same file.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

READ = """
import resource, sys, time
from animl_kedro.datasets.label_exports import LabelExportsDataset
from animl_kedro.pipelines.ingestion.nodes import read_export
from animl_kedro.pipelines.ingestion.parameters import IngestionParams
started = time.perf_counter()
exports = LabelExportsDataset(datasets={"bench": {"filepath": sys.argv[1]}}).load()
tables = read_export(exports, IngestionParams())
seconds = time.perf_counter() - started
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, *map(len, tables))
"""

REFERENCE = """
import json, resource, sys, time
started = time.perf_counter()
export = json.load(open(sys.argv[1]))
seconds = time.perf_counter() - started
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(export["images"]))
"""


def write_export(path: Path, images: int, annotations: int) -> None:
    """Write an export as Animl does, with some records that need a repair or are rejected."""
    rng = random.Random(0)
    records = [
        {
            "id": f"island:{number:032x}",
            "file_name": f"island/X{number % 150}/place_{number % 150}/island-{number:032x}.jpg",
            "original_file_name": f"IMG_{number:06d}.JPG",
            "serving_bucket_key": f"original/island:{number:032x}-original.jpg",
            "datetime": f"2024-{1 + number % 12:02d}-{1 + number % 28:02d}T10:30:00.000-08:00",
            "location": f"Place {number % 150}",
            "width": 2048,
            "height": 1536,
        }
        for number in range(images)
    ]
    labels = [
        {
            "id": f"{number:024x}",
            "image_id": records[rng.randrange(images)]["id"],
            "category_id": rng.randrange(8),
            "sequence_level_annotation": False,
            "bbox": [rng.randrange(1900), rng.randrange(1400), 150, 137],
            "confidence": None,
            "validated": rng.random() < 0.95,
            "validated_by": "reviewer@example.org",
        }
        for number in range(annotations)
    ]
    categories = [
        {"id": number, "name": name}
        for number, name in enumerate(["empty", "bird", "fox", "lizard", "rodent", "skunk", "person", "vehicle"])
    ]
    content = {"images": records, "annotations": labels, "categories": categories, "info": {"version": "1.0"}}
    path.write_text(json.dumps(content), encoding="utf-8")


def measure(code: str, path: Path) -> list[float]:
    """Run a piece of code in a process of its own: what it printed."""
    output = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True).stdout
    return [float(number) for number in output.split()]


def main() -> None:
    """Write the export, time both in turn, print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=250_000)
    parser.add_argument("--annotations", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.json"
        write_export(path, arguments.images, arguments.annotations)
        print(f"{arguments.images:,} images, {arguments.annotations:,} annotations, {path.stat().st_size / 1e6:.0f} MB")
        rounds = [(measure(REFERENCE, path), measure(READ, path)) for _ in range(arguments.rounds)]
    for name, results in zip(("json alone", "to checked tables"), zip(*rounds, strict=True), strict=True):
        seconds, memory = (statistics.median(column) for column in list(zip(*results, strict=True))[:2])
        print(f"{name:20} {seconds:6.2f} s {memory:8.0f} MB")
    print("rows:", [int(count) for count in rounds[0][1][2:]])


if __name__ == "__main__":
    main()
