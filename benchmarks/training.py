"""How fast a classifier is trained, evaluated and used to predict, beside CameraTraps' loop with the same options.

    python -m benchmarks.training [--backbones efficientnet-b0 efficientnet-b3] [--crops 320] [--rounds 3] [--workers 2]

Crops of about 400 pixels are drawn here. Each run is a process of its own, in turn with the others: two epochs of
training in batches of 16, each with an evaluation of a third as many crops, then a prediction of all. Both are given
the same crops, options, and workers that load crops. CameraTraps' loop is written in cameratraps.py as its
train_classifier.py has it, and its network is TorchScript where it only predicts, as its evaluate_model.py has it.
Weights are new: no speed depends on them.

Memory is the most that the process and its workers hold at once, in MB: as the sum of what each holds (RSS), and with
what they share counted once (PSS). Figures are the medians of the rounds, and the ratio is ours to CameraTraps'.
"""

# ruff: noqa: PLC0415 - torch is imported by the process of a case alone, ours after its settings are made

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

BATCH_SIZE = 16
EPOCHS = 2
LABELS = ("bird", "fox", "mouse", "rat", "skunk")
MEASURES = ("training", "evaluation", "prediction")
MEMORY = ("Rss", "Pss")


def draw_crops(folder: Path, count: int) -> pd.DataFrame:
    """Write crops of 320 to 480 pixels at JPEG quality 75; returns a row each: crop_id, label, split, confidence."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count + count // 3):
        label, split = LABELS[number % len(LABELS)], "train" if number < count else "val"
        side, crop_id = int(rng.integers(320, 481)), f"{split}/{number:05d}.jpg"
        coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize((side, side))
        pixels = np.asarray(coarse) + rng.normal(0, 12, (side, side, 3))
        path = folder / crop_id
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=75)
        rows.append((crop_id, label, split, 1.0))
    return pd.DataFrame(rows, columns=["crop_id", "label", "split", "confidence"])


def run_ours(folder: Path, crops: pd.DataFrame, backbone: str, workers: int) -> dict[str, float]:
    """Images a second of `train` and `predict`."""
    from animl_kedro.classifier.runtime import prepare_torch

    prepare_torch()
    from animl_kedro.image_folder import ImageFolder
    from animl_kedro.pipelines.modeling.parameters import ModelingParams
    from animl_kedro.pipelines.modeling.train import train

    params = ModelingParams(backbone=backbone, batch_size=BATCH_SIZE, epochs=EPOCHS, loader_workers=workers)
    weights = pd.DataFrame({"crop_id": crops["crop_id"], "label_weight": 1.0})[crops["split"] == "train"]
    images = ImageFolder(folder)
    index = {str(number): label for number, label in enumerate(LABELS)}
    classifier, history = train(crops, weights, index, images, params)
    rates = {
        measure: statistics.median(row["images_per_second"] for row in history if row["split"] == split)
        for measure, split in (("training", "train"), ("evaluation", "val"))
    }
    classifier.predictor  # noqa: B018 - CameraTraps' network is made ready before the clock starts as well
    started = time.perf_counter()
    classifier.predict([folder / crop_id for crop_id in crops["crop_id"]])
    return rates | {"prediction": len(crops) / (time.perf_counter() - started)}


def run_cameratraps(folder: Path, crops: pd.DataFrame, backbone: str, workers: int) -> dict[str, float]:
    """Images a second of CameraTraps' loop."""
    import torch
    from benchmarks import cameratraps
    from efficientnet_pytorch import EfficientNet

    size = EfficientNet.get_image_size(backbone)
    network: Any = cameratraps.network_of(backbone, len(LABELS), size)
    optimizer, _ = cameratraps.optimizer_of(network, BATCH_SIZE)
    augmented, plain = cameratraps.image_transforms(size)

    def loader_of(rows: pd.DataFrame, transform: Any, weights: Any = None) -> Any:
        paths = [folder / crop_id for crop_id in rows["crop_id"]]
        dataset = cameratraps.Crops(paths, [LABELS.index(label) for label in rows["label"]], transform)
        return cameratraps.loader_of(dataset, BATCH_SIZE, workers, weights)

    def images_per_second(loader: Any, network: Any, optimizer: Any = None) -> float:
        started = time.perf_counter()
        cameratraps.pass_over(loader, network, optimizer)
        return len(loader.dataset) / (time.perf_counter() - started)

    by_split = dict(list(crops.groupby("split")))
    training = loader_of(by_split["train"], augmented, [1.0] * len(by_split["train"]))
    validation = loader_of(by_split["val"], plain)
    rates: dict[str, list[float]] = {measure: [] for measure in MEASURES}
    for _ in range(EPOCHS):
        rates["training"].append(images_per_second(training, network.train(), optimizer))
        rates["evaluation"].append(images_per_second(validation, network.eval()))
    network.set_swish(memory_efficient=False)
    traced = torch.jit.trace(network.eval(), torch.rand(1, 3, size, size))  # type: ignore[no-untyped-call]
    rates["prediction"].append(images_per_second(loader_of(crops, plain), traced))
    return {measure: statistics.median(values) for measure, values in rates.items()}


CASES: dict[str, Callable[[Path, pd.DataFrame, str, int], dict[str, float]]] = {
    "CameraTraps": run_cameratraps,
    "animl-kedro": run_ours,
}


def family_of(process: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield process
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from family_of(int(child))


def memory_of(process: int) -> dict[str, float]:
    """Megabytes that a process and its descendants hold, by how what they share is counted."""
    totals = dict.fromkeys(MEMORY, 0.0)
    for member in family_of(process):
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended
            continue
        for kind in MEMORY:
            totals[kind] += sum(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024
    return totals


def measure(case: str, folder: Path, backbone: str, workers: int) -> dict[str, float]:
    """Run a case in a process of its own: its rates and its most memory, in MB."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.training",
        "--case",
        case,
        str(folder),
        "--backbones",
        backbone,
        "--workers",
        str(workers),
    ]
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=told, stderr=errors)
        most = dict.fromkeys(MEMORY, 0.0)
        while process.poll() is None:
            now = memory_of(process.pid)
            most = {kind: max(most[kind], now[kind]) for kind in MEMORY}
            time.sleep(0.2)
        told.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(f"{case} failed: {errors.read()[-2000:]}")
        rates: dict[str, float] = json.loads(told.read().splitlines()[-1])
    return rates | most


def show(backbone: str, runs: dict[str, list[dict[str, float]]]) -> None:
    """Print the medians and the ratios."""
    print(f"\n{backbone:16}", *(f"{measure:>14}" for measure in (*MEASURES, *MEMORY)))
    medians = {
        case: {name: statistics.median(run[name] for run in rounds) for name in rounds[0]}
        for case, rounds in runs.items()
    }
    for case, figures in medians.items():
        rates = [f"{figures[name]:9.1f} im/s" for name in MEASURES]
        print(f"{case:16}", *rates, *(f"{figures[kind]:11.0f} MB" for kind in MEMORY))
    theirs, ours = medians["CameraTraps"], medians["animl-kedro"]
    print(f"{'ratio':16}", *(f"{ours[name] / theirs[name]:14.2f}" for name in (*MEASURES, *MEMORY)))


def main() -> None:
    """Draw the crops, time all cases in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=["efficientnet-b0", "efficientnet-b3"])
    parser.add_argument("--crops", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        case, folder = arguments.case[0], Path(arguments.case[1])
        crops = pd.read_csv(folder / "crops.csv")
        print(json.dumps(CASES[case](folder, crops, arguments.backbones[0], arguments.workers)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_crops(folder, arguments.crops).to_csv(folder / "crops.csv", index=False)
        print(
            f"{arguments.crops} crops, batches of {BATCH_SIZE}, {arguments.workers} workers, {arguments.rounds} rounds"
        )
        for backbone in arguments.backbones:
            runs: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
            for _, case in product(range(arguments.rounds), CASES):
                runs[case].append(measure(case, folder, backbone, arguments.workers))
            show(backbone, runs)


if __name__ == "__main__":
    main()
