"""How many images a second are downloaded from an S3 server on this machine, beside s5cmd and today's script.

    python benchmarks/download.py [--images 1000] [--bytes 800000] [--latency-ms 40] [--rounds 5] [--script FILE]

Each download is a process of its own, in turn with the others and into an empty folder. s5cmd is the fastest dedicated
S3 copier, a native program. ``--script`` is the downloader of tnc-ca-geo/animl-analytics, utils/download_images.py, if
you have it. `download` is timed from its call to the manifest; the time of the whole process, which starts Python and
imports pandas, stands beside it.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from s3 import BUCKET, CREDENTIALS, find_tool, serve, write_objects

OURS = """
import json, os, resource, sys, time
from pathlib import Path
import pandas as pd
from animl_kedro.datasets.image_archive import ImageArchive
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.datasets.s3_bucket import S3Bucket
from animl_kedro.pipelines.ingestion.downloading import download
from animl_kedro.pipelines.ingestion.parameters import DownloadParams
from animl_kedro.tables import Images
export, out, bucket, threads = sys.argv[1:]
images = Images.of([
    {"image_id": image["id"], "dataset": "bench", "key": image["serving_bucket_key"], "file_name": image["file_name"]}
    for image in json.loads(Path(export).read_bytes())["images"]
])
started = time.perf_counter()
archive = ImageArchive(S3Bucket(bucket, endpoint_url=os.environ["AWS_ENDPOINT_URL"], region="us-west-2"))
manifest = download(images, archive, ImageFolder(Path(out)), DownloadParams(threads=int(threads)))
seconds = time.perf_counter() - started
assert set(manifest["status"]) == {"downloaded"}, manifest["error"].dropna().iloc[0]
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


class Timing(NamedTuple):
    """Seconds of the download and of the whole process, and the peak memory in MB where it was measured."""

    seconds: float
    process_seconds: float
    memory: float | None


def settle(folder: Path) -> None:
    """Copy the objects and remove the copy, so that every run finds memory and disk as the same program left them.

    Without it, whatever ran after s5cmd, which takes and gives back much memory, was a fifth slower.
    """
    shutil.rmtree(folder / "out", ignore_errors=True)
    shutil.copytree(folder / "served", folder / "copy")
    shutil.rmtree(folder / "copy")
    os.sync()


def run(command: list[str], out: Path, environment: dict[str, str], images: int) -> Timing:
    """Time a command that downloads into a folder, which must hold every image after."""
    started = time.perf_counter()
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    found = sum(path.suffix == ".jpg" for path in out.rglob("*"))
    if result.returncode or found != images:
        sys.exit(f"{command[:3]} brought {found} of {images} images: {result.stdout[-500:]} {result.stderr[-2000:]}")
    told = result.stdout.split()
    if command[0] == sys.executable and command[1] == "-c":
        return Timing(float(told[0]), seconds, float(told[1]))
    return Timing(seconds, seconds, None)


def environment_of(folder: Path, endpoint: str) -> dict[str, str]:
    """The environment in which every S3 client speaks with this server, by whatever profile."""
    keys = "\n".join(f"{name} = {value}" for name, value in CREDENTIALS.items())
    (folder / "credentials").write_text(f"[default]\n{keys}\n[animl]\n{keys}\n", encoding="utf-8")
    (folder / "config").write_text("[default]\nregion = us-west-2\n[profile animl]\nregion = us-west-2\n")
    names = {name.upper(): value for name, value in CREDENTIALS.items()}
    files = {"AWS_CONFIG_FILE": str(folder / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")}
    return (
        os.environ
        | names
        | files
        | {"AWS_ENDPOINT_URL": endpoint, "S3_ENDPOINT_URL": endpoint, "AWS_REGION": "us-west-2"}
    )


def cases_of(folder: Path, keys: list[str], arguments: argparse.Namespace) -> dict[str, list[str]]:
    """The command of each case; all download the same objects into the same folder."""
    out = folder / "out"
    images = [
        {"id": key, "serving_bucket_key": key, "file_name": f"camera/{number}.jpg"} for number, key in enumerate(keys)
    ]
    export = folder / "export.json"
    export.write_text(json.dumps({"images": images}), encoding="utf-8")
    copies = folder / "copies.txt"
    copies.write_text("".join(f"cp 's3://{BUCKET}/{key}' '{out}/{key}'\n" for key in keys), encoding="utf-8")
    cases = {
        "animl-kedro": [sys.executable, "-c", OURS, str(export), str(out), BUCKET, str(arguments.threads)],
        "s5cmd": [find_tool("s5cmd"), "--log", "error", "run", str(copies)],
    }
    if arguments.script:
        cases["script"] = [sys.executable, arguments.script, "--coco-file", str(export), "--output-dir", str(out)]
    return cases


def show(timings: dict[str, list[Timing]], images: int) -> None:
    """Print the medians, and their ratios to ours."""

    def median(name: str, figure: Callable[[Timing], float]) -> float:
        return statistics.median(map(figure, timings[name]))

    ours = images / median("animl-kedro", lambda timing: timing.seconds)
    print(f"{'':12} {'images/s':>9} {'least':>7} {'most':>7} {'whole process':>14} {'MB':>5}   animl-kedro / this")
    for name, rounds in timings.items():
        rates = sorted(images / timing.seconds for timing in rounds)
        process = images / median(name, lambda timing: timing.process_seconds)
        memory = max(timing.memory or 0 for timing in rounds)
        rate = statistics.median(rates)
        shown = f"{memory:5.0f}" if memory else "     "
        print(f"{name:12} {rate:9.0f} {rates[0]:7.0f} {rates[-1]:7.0f} {process:14.0f} {shown}   {ours / rate:.2f}")


def main() -> None:
    """Make the objects, serve them, time all cases in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--bytes", type=int, default=800_000)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--script")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = write_objects(folder / "served", arguments.images, arguments.bytes)
        with serve(folder / "served", arguments.latency_ms) as endpoint:
            environment = environment_of(folder, endpoint)
            cases = cases_of(folder, keys, arguments)
            timings: dict[str, list[Timing]] = {case: [] for case in cases}
            for _ in range(arguments.rounds):
                for case, command in cases.items():
                    settle(folder)
                    timings[case].append(run(command, folder / "out", environment, arguments.images))
    print(
        f"{arguments.images} images of {arguments.bytes:,} bytes, {arguments.latency_ms} ms, {arguments.rounds} rounds"
    )
    show(timings, arguments.images)


if __name__ == "__main__":
    main()
