"""How much of a GPU's speed training reaches, beside CameraTraps' loop on the same GPU.

    python -m benchmarks.training_on_gpu [--backbone efficientnet-b3] [--batch-size 128] [--crops 4096] [--workers 8]

Measured in images a second: steps of training on random tensors that are on the GPU already, the most that there can
be; the loader alone, with as many workers as there are processors; epochs of training on crops from files; evaluation
and prediction on crops from files; and CameraTraps' loop, with its loader's worker processes, in float32 as its code
has it. Crops of about 400 pixels are drawn here, each once in a few files of the same content. Of epochs the first is
left out, in which libraries choose their kernels, and the median of the others is told.
"""

# ruff: noqa: PLC0415 - torch is imported after the settings are made

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from benchmarks.training import LABELS, draw_crops

COPIES = 8
"""Files of one content: drawing a crop takes longer than training on it."""

STEPS = 30
"""Steps on random tensors whose time is measured, after a few that are not."""

EPOCHS = 4
EPOCHS_OF_CAMERATRAPS = 3

Rates = dict[str, float]


def draw_copied_crops(folder: Path, count: int) -> pd.DataFrame:
    """Write so many crops of the training split, and a third as many of validation: see `draw_crops`."""
    drawn = draw_crops(folder, count // COPIES)
    tables = [drawn]
    for copy in range(1, COPIES):
        table = drawn.assign(crop_id=[f"{crop_id[:-4]}_{copy}.jpg" for crop_id in drawn["crop_id"]])
        for crop_id, copied in zip(drawn["crop_id"], table["crop_id"], strict=True):
            os.link(folder / crop_id, folder / copied)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def steps_on_the_device(params: Any) -> Rates:
    """Our step of training, on a batch that is there already."""
    import torch

    from animl_kedro.classifier.backbones import build_network
    from animl_kedro.pipelines.modeling.devices import open_fabric
    from animl_kedro.pipelines.modeling.stepping import Stepper

    fabric = open_fabric(params)
    size, batch = params.input_size, params.batch_size
    stepper = Stepper(build_network(params.backbone, len(LABELS), size), params, fabric)
    stepper.start_epoch(head_only=False)
    images = torch.randn(batch, 3, size, size, device=fabric.device).to(memory_format=torch.channels_last)
    targets = torch.randint(len(LABELS), (batch,), device=fabric.device)

    def steps(count: int) -> float:
        torch.cuda.synchronize()
        started = time.perf_counter()
        for step in range(count):
            stepper.step(images, targets, batch, 1e-4, (0, step))
        torch.cuda.synchronize()
        return time.perf_counter() - started

    steps(10)
    return {"random tensors on the device": statistics.median(batch * STEPS / steps(STEPS) for _ in range(3))}


def loader_alone(crops: pd.DataFrame, folder: Path, params: Any) -> Rates:
    """The training split's batches, brought to the device and not looked at."""
    import torch

    from animl_kedro.image_folder import ImageFolder
    from animl_kedro.pipelines.modeling.devices import open_fabric
    from animl_kedro.pipelines.modeling.jobs import Job, loaded

    job = Job(crops, None, LABELS, ImageFolder(folder), params)

    def rate(loader: Any) -> float:
        started, images_seen = time.perf_counter(), 0
        for images, _ in loader:
            images_seen += len(images)
        torch.cuda.synchronize()
        return images_seen / (time.perf_counter() - started)

    with loaded(job, params, open_fabric(params)) as data:
        return {"the loader alone": statistics.median([rate(data.training) for _ in range(4)][1:])}


def training_from_files(crops: pd.DataFrame, folder: Path, params: Any) -> Rates:
    """Epochs of `train`, and `Classifier.predict`."""
    from animl_kedro.image_folder import ImageFolder
    from animl_kedro.pipelines.modeling.train import train

    weights = pd.DataFrame({"crop_id": crops["crop_id"], "label_weight": 1.0})[crops["split"] == "train"]
    index = {str(number): label for number, label in enumerate(LABELS)}
    classifier, history = train(crops, weights, index, ImageFolder(folder), params)
    rates = {
        name: statistics.median(
            row["images_per_second"] for row in history if row["split"] == split and row["epoch"] > 1
        )
        for name, split in (("training from files", "train"), ("evaluation from files", "val"))
    }
    paths = [folder / crop_id for crop_id in crops["crop_id"]]
    classifier.predict(paths[: 2 * params.batch_size])
    started = time.perf_counter()
    classifier.predict(paths)
    return rates | {"prediction from files": len(paths) / (time.perf_counter() - started)}


def cameratraps_loop(crops: pd.DataFrame, folder: Path, params: Any, workers: int) -> Rates:
    """Its passes over both splits."""
    import torch
    from benchmarks import cameratraps

    size, batch_size = params.input_size, params.batch_size
    torch.set_float32_matmul_precision("highest")  # torch's default, as its code leaves it
    network = cameratraps.network_of(params.backbone, len(LABELS), size, "cuda")
    optimizer, _ = cameratraps.optimizer_of(network, batch_size)

    def loader_of(split: str, transform: Any, *, is_drawn: bool) -> Any:
        rows = crops[crops["split"] == split]
        paths = [folder / crop_id for crop_id in rows["crop_id"]]
        dataset = cameratraps.Crops(paths, [LABELS.index(label) for label in rows["label"]], transform)
        return cameratraps.loader_of(dataset, batch_size, workers, [1.0] * len(rows) if is_drawn else None)

    augmented, plain = cameratraps.image_transforms(size)
    training, validation = loader_of("train", augmented, is_drawn=True), loader_of("val", plain, is_drawn=False)

    def rates_of(loader: Any, optimizer: Any, mode: Callable[[], Any]) -> Iterator[float]:
        for _ in range(EPOCHS_OF_CAMERATRAPS):
            mode()
            started = time.perf_counter()
            cameratraps.pass_over(loader, network, optimizer, "cuda")
            yield len(loader.dataset) / (time.perf_counter() - started)

    trained, evaluated = (
        list(rates_of(training, optimizer, network.train)),
        list(rates_of(validation, None, network.eval)),
    )
    return {
        "CameraTraps, training": statistics.median(trained[1:]),
        "CameraTraps, evaluation": statistics.median(evaluated[1:]),
    }


def main() -> None:
    """Draw the crops and measure one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="efficientnet-b3")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--crops", type=int, default=4096)
    parser.add_argument("--workers", type=int, default=8, help="of CameraTraps' loader; 8 is its default")
    arguments = parser.parse_args()
    from animl_kedro.classifier.runtime import prepare_torch

    prepare_torch()
    import torch

    from animl_kedro.pipelines.modeling.devices import loader_workers, precision_for
    from animl_kedro.pipelines.modeling.parameters import ModelingParams

    if not torch.cuda.is_available():
        sys.exit("There is no GPU here: python -m benchmarks.training measures training on a CPU.")
    params = ModelingParams(
        backbone=arguments.backbone, batch_size=arguments.batch_size, epochs=EPOCHS, label_weighted=False, device="gpu"
    )
    print(
        f"{torch.cuda.get_device_name()}, {len(os.sched_getaffinity(0))} processors, torch {torch.__version__}; "
        f"{params.backbone} at {params.input_size} px, batches of {params.batch_size}, {precision_for(params)}, "
        f"{loader_workers(params)} workers; CameraTraps: float32, {arguments.workers} workers"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        crops = draw_copied_crops(folder, arguments.crops).sort_values("crop_id", ignore_index=True)
        rates: Rates = {}
        for measured in (
            lambda: steps_on_the_device(params),
            lambda: loader_alone(crops, folder, params),
            lambda: training_from_files(crops, folder, params),
            lambda: cameratraps_loop(crops, folder, params, arguments.workers),
        ):
            found = measured()
            for name_of_rate, rate in found.items():
                print(f"{name_of_rate:30} {rate:8.0f} images/s", flush=True)
            rates |= found
            torch.cuda.empty_cache()
    trained = rates["training from files"]
    print(f"{trained / rates['random tensors on the device']:.0%} of what the GPU can, ", end="")
    print(f"{trained / rates['CameraTraps, training']:.1f} × CameraTraps' loop")


if __name__ == "__main__":
    main()
