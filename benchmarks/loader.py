"""How fast crops are opened and changed for training, on one processor, beside CameraTraps' dataset.

    python -m benchmarks.loader [--size 300] [--crops 64] [--rounds 5]

Crops of about 400 pixels, the augmentation `cameratraps`; ours to normalised batches of 16, as the network takes them,
and CameraTraps' to normalised tensors. Images a second of processor time, in turn with each other, medians. Memory is
kept as training keeps it, for both.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from benchmarks import cameratraps
from benchmarks.training import BATCH_SIZE, LABELS, draw_crops

from animl_kedro.classifier.augmentation import Augmentation
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.classifier.runtime import prepare_torch
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.batches import EpochBatches
from animl_kedro.pipelines.modeling.loading import CropLoader, open_workers


def rate(work: Callable[[], int]) -> float:
    """Images a second of processor time; the work tells how many there are."""
    started = time.process_time()
    return work() / (time.process_time() - started)


def main() -> None:
    """Time both in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=300)
    parser.add_argument("--crops", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    prepare_torch()
    torch.set_num_threads(1)
    with (
        tempfile.TemporaryDirectory() as name,
        open_workers(1, BATCH_SIZE, arguments.size, as_processes=False) as workers,
    ):
        folder = Path(name)
        crops = draw_crops(folder, arguments.crops)
        theirs = cameratraps.Crops(
            [folder / crop_id for crop_id in crops["crop_id"]],
            [LABELS.index(label) for label in crops["label"]],
            cameratraps.image_transforms(arguments.size)[0],
        )
        ours = CropLoader(
            ImageFolder(folder),
            crops["crop_id"].array,
            np.zeros(len(crops), dtype=np.int64),
            EpochBatches(len(crops), BATCH_SIZE, seed=0),
            Augmentation("cameratraps", arguments.size),
            Preprocessing(arguments.size),
            device=torch.device("cpu"),
            workers=workers,
        )
        works: dict[str, Callable[[], int]] = {
            "CameraTraps": lambda: sum(1 for number in range(len(theirs)) if theirs[number]),
            "animl-kedro": lambda: sum(len(images) for images, _ in ours),
        }
        rounds = [{case: rate(work) for case, work in works.items()} for _ in range(arguments.rounds + 1)][1:]
    medians = {case: statistics.median(rates[case] for rates in rounds) for case in works}
    for case, median in medians.items():
        print(f"{case:12} {median:6.0f} images/s of one processor")
    print(f"ratio {medians['animl-kedro'] / medians['CameraTraps']:.2f}")


if __name__ == "__main__":
    main()
