"""How long a rerun takes when every image is there already, and in how much memory.

    python benchmarks/rerun.py [--images 100000] [--bytes 1000] [--rounds 3]

Each run is a process of its own: the first one adopts a folder that it does not know, reading each file once for its
checksum; the others find all as the ledger says. The reference, timed in the same rounds, asks the file system for size
and time of each file and does nothing else.
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
from animl_kedro.tables import Images
folder, count = Path(sys.argv[1]), int(sys.argv[2])
names = [f"X{number % 150}/deployment {number % 150}/island-{number:032x}.jpg" for number in range(count)]
images = Images.of([
    (f"island:{number:032x}", "bench", f"original/island:{number:032x}.jpg", name, None, None, None, None, None)
    for number, name in enumerate(names)
])
"""

OURS = """
from animl_kedro.datasets.image_archive import ImageArchive
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.datasets.s3_bucket import S3Bucket
from animl_kedro.pipelines.ingestion.downloading import download
from animl_kedro.pipelines.ingestion.parameters import DownloadParams
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
started = time.perf_counter()
manifest = download(images, ImageArchive(S3Bucket("nowhere")), ImageFolder(folder), DownloadParams())
seconds = time.perf_counter() - started
assert set(manifest["status"]) == {"present"}
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before)
"""

REFERENCE = """
import os
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
started = time.perf_counter()
for name in names:
    os.stat(folder / "bench" / name)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before)
"""


def write_files(folder: Path, count: int, size: int) -> None:
    """Write files as `PREPARE` names them."""
    for number in range(count):
        path = folder / "bench" / f"X{number % 150}" / f"deployment {number % 150}" / f"island-{number:032x}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(number.to_bytes(8, "little") * (size // 8))


def measure(code: str, folder: Path, count: int) -> list[float]:
    """Run a piece of code in a process of its own: seconds, and peak memory in MB after and before."""
    command = [sys.executable, "-c", PREPARE + code, str(folder), str(count)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(number) for number in output.split()]


def main() -> None:
    """Write the files, adopt them, time reruns and the reference in turn, print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, arguments.images, arguments.bytes)
        adopted = measure(OURS, folder, arguments.images)
        rounds = [
            (measure(REFERENCE, folder, arguments.images), measure(OURS, folder, arguments.images))
            for _ in range(arguments.rounds)
        ]
    print(f"{arguments.images:,} images of {arguments.bytes:,} bytes, {arguments.rounds} rounds")
    rows = {"first run (adopts)": [adopted]}
    rows |= dict(zip(("size and time alone", "rerun"), map(list, zip(*rounds, strict=True)), strict=True))
    for name, results in rows.items():
        seconds, memory, before = (statistics.median(column) for column in zip(*results, strict=True))
        print(f"{name:20} {seconds:6.2f} s {memory:6.0f} MB, of these {before:.0f} MB before it began")


if __name__ == "__main__":
    main()
