"""How long `catalog.load("crops")` takes, with the check of the schema, on a table of a million crops.

    python benchmarks/open_crops.py [--rows 1000000] [--rounds 5]

The entry is the project's own, from conf/base, over a table of realistic columns: ids as ingestion and cropping make
them, 5,000 locations, 200 labels, with missing values where the schema allows them. The file is in the page cache. Each
round is a process of its own that has imported the libraries and loaded an empty table before.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from animl_kedro.tables import BoxSource, Crops

ROOT = Path(__file__).parents[1]
ENTRY = ROOT / "conf" / "base" / "catalog" / "detection_cropping.yml"

LOAD = """
import resource, sys, time
import yaml
from kedro.io import DataCatalog
entry = yaml.safe_load(open(sys.argv[1]))["crops"]
def catalog_of(path):
    return DataCatalog.from_config({"crops": entry | {"filepath": path}})
catalog_of(sys.argv[2]).load("crops")
catalog = catalog_of(sys.argv[3])
started, busy = time.perf_counter(), time.process_time()
rows = len(catalog.load("crops"))
seconds, busy = time.perf_counter() - started, time.process_time() - busy
print(rows, seconds, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def crops_table(rows: int) -> pd.DataFrame:
    """`Crops` with so many rows: two crops an image, half of the boxes by people."""
    rng = np.random.default_rng(0)
    number = np.arange(rows)
    image = number // 2
    ids = pd.Series([f"santa_cruz_island:{value:032x}" for value in image], dtype="str")
    location = pd.Series(np.array([f"Camera {place:04d}" for place in range(5_000)])[image % 5_000], dtype="str")
    labels = np.array([f"species {label:03d}" for label in range(200)])
    path = "santa_cruz_island/" + location + "/deployment/" + ids.str.replace(":", "-") + ".jpg"
    by_person = number % 2 == 0
    left, top = rng.uniform(0, 1500, rows), rng.uniform(0, 1000, rows)
    width, height = rng.uniform(30, 400, rows), rng.uniform(30, 400, rows)
    table = pd.DataFrame(
        {
            "crop_id": path + "___crop" + pd.Series(number % 2).map("{:02d}.jpg".format),
            "dataset": "santa_cruz_island",
            "image_id": ids,
            "image_path": path,
            "annotation_id": pd.Series(number).map("{:024x}".format).where(by_person),
            "location": location.where(image % 50 != 0),
            "sequence_id": ("burst " + pd.Series(image // 3).astype(str)).where(image % 50 != 0),
            "datetime": (pd.Timestamp("2020-01-01") + pd.to_timedelta(image * 97, unit="s")).to_series(
                index=range(rows)
            ),
            "label": labels[np.minimum(rng.zipf(1.5, rows), 200) - 1],
            "box_source": np.where(by_person, BoxSource.ANNOTATION.value, BoxSource.DETECTOR.value),
            "detector": pd.Series(["5.0b"] * rows, dtype="str").where(~by_person),
            "confidence": np.where(by_person, 1.0, rng.uniform(0.2, 1, rows)),
            "box_left": left,
            "box_top": top,
            "box_width": width,
            "box_height": height,
            "relative_left": left / 2048,
            "relative_top": top / 1536,
            "relative_width": width / 2048,
            "relative_height": height / 1536,
            "width": np.ceil(width).astype(int),
            "height": np.ceil(height).astype(int),
            "settings": "0123456789abcdef",
        }
    )
    return Crops.validate(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        empty, full = Path(folder, "empty.parquet"), Path(folder, "crops.parquet")
        Crops.of([]).to_parquet(empty)
        crops_table(arguments.rows).to_parquet(full)
        print(f"{arguments.rows:,} rows, {full.stat().st_size / 1e6:.0f} MB of Parquet")
        seconds = []
        for _ in range(arguments.rounds):
            command = [sys.executable, "-c", LOAD, str(ENTRY), str(empty), str(full)]
            words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            rows, wall, busy, memory = int(words[0]), *map(float, words[1:])
            assert rows == arguments.rows
            seconds.append(wall)
            print(f"loaded and checked in {wall:.2f} s ({busy:.2f} s of processor time), {memory:.0f} MB at the most")
        print(f"median {statistics.median(seconds):.2f} s")


if __name__ == "__main__":
    main()
