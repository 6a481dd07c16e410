"""How much memory training on a million crops needs above what it needs for a hundred.

    python -m benchmarks.million_crops [--crops 1000000]

A process each prepares a training, as `train` does, of a table of so many crops: it is checked, its fingerprint is
made, and a few batches of an epoch are loaded. All crops but a hundred are links to the same pictures. The network is
the same for both, and so small that it does not hide the rest. Told is the most memory (RSS) of each, in MB.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

FEW = 100
LINKS = 30_000
"""Links to one file; some file systems allow no more."""

LABELS = ("bird", "fox", "mouse", "rat", "skunk")


def draw_crops(folder: Path, count: int) -> pd.DataFrame:
    """Write crops; returns `LabeledCrops`' columns that training needs, and the split."""
    rng = np.random.default_rng(0)
    ids = [f"island/camera-{number // 5000:04}/2026-{number:08}.jpg___crop00.jpg" for number in range(count)]
    original = folder / ids[0]
    for number, crop_id in enumerate(ids):
        path = folder / crop_id
        if number % 5000 == 0:
            path.parent.mkdir(parents=True)
        if (number % LINKS < FEW and number < FEW) or number % LINKS == 0:
            original = path
            Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
        else:
            os.link(original, path)
    labels = pd.Series(np.array(LABELS)[np.arange(count) % len(LABELS)], dtype=str)
    split = pd.Series(np.where(np.arange(count) % 10 < 8, "train", "val"), dtype=str)
    return pd.DataFrame({"crop_id": pd.Series(ids, dtype=str), "label": labels, "split": split, "confidence": 1.0})


def prepare_training(folder: Path) -> dict[str, float]:
    """Do what `train` does before its first epoch, and begin it."""
    from animl_kedro.classifier.runtime import prepare_torch  # noqa: PLC0415 - before torch is imported

    prepare_torch()
    from animl_kedro.image_folder import ImageFolder  # noqa: PLC0415
    from animl_kedro.pipelines.modeling.devices import open_fabric  # noqa: PLC0415
    from animl_kedro.pipelines.modeling.jobs import loaded  # noqa: PLC0415
    from animl_kedro.pipelines.modeling.parameters import ModelingParams  # noqa: PLC0415
    from animl_kedro.pipelines.modeling.train import prepare  # noqa: PLC0415

    params = ModelingParams(backbone="efficientnet-b0", image_size=32, batch_size=16, device="cpu")
    crops = pd.read_parquet(folder / "crops.parquet")
    weights = pd.DataFrame({"crop_id": crops["crop_id"], "label_weight": 1.0})[crops["split"] == "train"]
    job = prepare(
        crops, weights, {str(n): label for n, label in enumerate(LABELS)}, ImageFolder(folder / "crops"), params
    )
    job.fingerprint()
    with loaded(job, params, open_fabric(params)) as data:
        batches = sum(1 for _ in islice(data.training, 20)) + sum(1 for _ in islice(data.validation, 20))
    return {"batches": batches, "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measure(count: int) -> float:
    """The most memory of a process that prepares a training of so many crops, in MB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_crops(folder / "crops", count).to_parquet(folder / "crops.parquet")
        command = [sys.executable, "-m", "benchmarks.million_crops", "--measure", name]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(told.splitlines()[-1])["MB"])


def main() -> None:
    """Measure both, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=int, default=1_000_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(prepare_training(arguments.measure)))
        return
    few, many = measure(FEW), measure(arguments.crops)
    print(f"{FEW} crops: {few:.0f} MB; {arguments.crops:,} crops: {many:.0f} MB; above: {many - few:.0f} MB")


if __name__ == "__main__":
    main()
