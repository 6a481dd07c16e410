"""How well a classifier trained here tells animals apart, beside one of CameraTraps' loop with the same options.

    python -m benchmarks.accuracy [--project . | --from FOLDER] [--seeds 5] [--parallel 1]
    python -m benchmarks.accuracy --export FOLDER

The crops are those of a project's splits, as `kedro run --pipelines=ingestion,detection_cropping,dataset_split` makes
them; `--export` copies them into a folder, from which any machine can run. Both are trained from new weights with
CameraTraps' options: RMSprop with its default learning rate and its schedule, its augmentation, classes drawn equally
often. Of all epochs its loop takes the one with the best validation accuracy, in which all classes count alike, and
ours the one with the best macro average precision there. Of each seed's classifier the macro average precision on the
test locations is told, then the means with their standard errors. Ours is as good where the means differ by no more
than the standard error of their difference, or it is better.

The defaults are such that CameraTraps' loop learns well: from new weights and a hundred and fifty crops, its batch norm
statistics take hundreds of steps to follow, so that no patience ends training before the last epoch. On a GPU,
CameraTraps' loop computes in float32, as its code does, and ours in the precision that it chooses.
"""

# ruff: noqa: PLC0415 - a process imports what its own case needs, ours after its settings are made

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TABLE, LABELS, CROPS = "table.csv", "labels.json", "crops"
"""What a folder of exported crops holds: one row a crop, the classes in order, and the pictures by crop_id."""


@dataclass(frozen=True)
class Data:
    """Crops with label, split and confidence, the classes, and the folder that their pictures are in."""

    crops: pd.DataFrame
    labels: list[str]
    folder: Path

    def of(self, split: str) -> pd.DataFrame:
        """The crops of a split, in order."""
        return self.crops[self.crops["split"] == split].sort_values("crop_id", ignore_index=True)

    def targets(self, split: str) -> np.ndarray:
        """The number of each crop's class."""
        return pd.Index(self.labels).get_indexer(pd.Index(self.of(split)["label"]))

    def label_weights(self, split: str) -> np.ndarray:
        """A weight for each crop of a split, with mean 1, by which all classes count alike."""
        labels = self.of(split)["label"]
        weights = 1 / labels.map(labels.value_counts()).to_numpy(float)
        return weights / weights.mean()


@dataclass(frozen=True)
class Options:
    """What both are trained with."""

    backbone: str
    image_size: int
    epochs: int
    batch_size: int
    device: str


@dataclass(frozen=True)
class Trained:
    """What came of a training: on the test split its macro average precision, and which epoch was the best."""

    average_precision: float
    best_epoch: int


def run_ours(data: Data, options: Options, seed: int) -> Trained:
    """Train by `train`."""
    from animl_kedro.classifier.runtime import prepare_torch

    prepare_torch()
    from animl_kedro.image_folder import ImageFolder
    from animl_kedro.pipelines.modeling.parameters import ModelingParams
    from animl_kedro.pipelines.modeling.predict import logits_of
    from animl_kedro.pipelines.modeling.train import train

    params = ModelingParams(
        backbone=options.backbone,
        image_size=options.image_size,
        epochs=options.epochs,
        batch_size=options.batch_size,
        patience=options.epochs,
        device="cpu" if options.device == "cpu" else "auto",
        processes=1,
        loader_workers=1,
        seed=seed,
    )
    images = ImageFolder(data.folder)
    weights = pd.DataFrame({"crop_id": data.of("train")["crop_id"], "label_weight": data.label_weights("train")})
    index = {str(number): label for number, label in enumerate(data.labels)}
    classifier, _ = train(data.crops, weights, index, images, params)
    logits = logits_of(classifier, data.of("test"), images, "classifying")
    return Trained(_average_precision(logits, data.targets("test")), classifier.provenance["best"]["epoch"])


def run_cameratraps(data: Data, options: Options, seed: int) -> Trained:
    """Train by CameraTraps' loop."""
    import torch
    from benchmarks import cameratraps

    torch.manual_seed(seed)
    device = "cuda" if options.device != "cpu" and torch.cuda.is_available() else "cpu"
    network = cameratraps.network_of(options.backbone, len(data.labels), options.image_size, device)
    optimizer, schedule = cameratraps.optimizer_of(network, options.batch_size)
    augmented, plain = cameratraps.image_transforms(options.image_size)

    def loader_of(split: str, transform: Any, weights: Any = None) -> Any:
        paths = [data.folder / crop_id for crop_id in data.of(split)["crop_id"]]
        crops = cameratraps.Crops(paths, data.targets(split).tolist(), transform)
        return cameratraps.loader_of(crops, options.batch_size, 0, weights)

    training, validation = loader_of("train", augmented, data.label_weights("train")), loader_of("val", plain)
    best_accuracy, best_epoch, best_state = 0.0, 0, network.state_dict()
    for epoch in range(1, options.epochs + 1):
        cameratraps.pass_over(training, network.train(), optimizer, device)
        seen = cameratraps.pass_over(validation, network.eval(), device=device)
        correct = (seen.logits.argmax(dim=1) == seen.targets).cpu().numpy()
        accuracy = float((correct * data.label_weights("val")).mean())
        schedule.step()
        if accuracy > best_accuracy:
            best_accuracy, best_epoch = accuracy, epoch
            best_state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(best_state)
    logits = cameratraps.pass_over(loader_of("test", plain), network.eval(), device=device).logits
    return Trained(_average_precision(logits.cpu().numpy(), data.targets("test")), best_epoch)


CASES: dict[str, Callable[[Data, Options, int], Trained]] = {
    "CameraTraps": run_cameratraps,
    "animl-kedro": run_ours,
}


def _average_precision(logits: np.ndarray, targets: np.ndarray) -> float:
    from animl_kedro.classifier.temperature import probabilities_of
    from animl_kedro.pipelines.modeling.scores import macro_average_precision

    return macro_average_precision(probabilities_of(logits, 1.0), targets)


def run_case(case: str, data: Data, options: Options, seed: int, threads: int) -> tuple[Trained, float]:
    """Train in this process, with so many threads: what came of it, and the seconds that it took."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    started = time.perf_counter()
    return CASES[case](data, options, seed), time.perf_counter() - started


def data_of_project(project: Path) -> Data:
    """The crops of a Kedro project's newest splits."""
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    from animl_kedro.tables import with_splits

    bootstrap_project(project)
    with KedroSession.create(project) as session:
        load = session.load_context().catalog.load  # type: ignore[attr-defined]
        crops = with_splits(load("labeled_crops"), load("splits"))
        index, images = load("label_index"), load("crop_images")
    labels = [index[str(number)] for number in range(len(index))]
    return Data(crops[["crop_id", "label", "split", "confidence"]], labels, images.root)


def data_of_folder(folder: Path) -> Data:
    """What `export` wrote."""
    crops = pd.read_csv(folder / TABLE, keep_default_na=False)
    return Data(crops, json.loads((folder / LABELS).read_text(encoding="utf-8")), folder / CROPS)


def export(data: Data, folder: Path) -> None:
    """Copy crops and their table into a folder."""
    for crop_id in data.crops["crop_id"]:
        path = folder / CROPS / crop_id
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data.folder / crop_id, path)
    data.crops.to_csv(folder / TABLE, index=False)
    (folder / LABELS).write_text(json.dumps(data.labels), encoding="utf-8")
    print(f"{len(data.crops)} crops in {folder}")


def verdict_on(found: dict[str, list[float]]) -> str:
    """The means of both, with their standard errors, and whether ours is as good; one line each."""
    means = {case: statistics.mean(values) for case, values in found.items()}
    errors = {
        case: statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
        for case, values in found.items()
    }
    lines = [f"{case:12} macro average precision {means[case]:.4f} ± {errors[case]:.4f}" for case in found]
    difference = means["animl-kedro"] - means["CameraTraps"]
    error = float(np.hypot(*errors.values()))
    if np.isnan(error):
        verdict = "one seed tells nothing of the error: no verdict"
    elif difference >= -error:
        verdict = "ours is not below CameraTraps'"
    else:
        verdict = "OURS IS BELOW CAMERATRAPS'"
    return "\n".join([*lines, f"difference {difference:+.4f} ± {error:.4f}: {verdict}"])


def main() -> None:
    """Train with every seed both ways, several at once where wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="a project with splits in its catalog")
    parser.add_argument("--from", type=Path, dest="folder", help="a folder that --export wrote, in place of a project")
    parser.add_argument("--export", type=Path, help="write such a folder, and train nothing")
    parser.add_argument("--backbone", default="efficientnet-b0")
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--device", choices=("auto", "cpu"), default="auto")
    parser.add_argument("--parallel", type=int, default=1, help="trainings at once, each a process of its own")
    arguments = parser.parse_args()
    data = data_of_folder(arguments.folder) if arguments.folder else data_of_project(arguments.project)
    if arguments.export:
        export(data, arguments.export)
        return
    options = Options(
        arguments.backbone, arguments.image_size, arguments.epochs, arguments.batch_size, arguments.device
    )
    print(f"{data.crops['split'].value_counts().to_dict()} crops of {len(data.labels)} classes, {options}", flush=True)
    threads = max((os.cpu_count() or 1) // arguments.parallel, 1)
    context = multiprocessing.get_context("spawn")
    found: dict[str, list[float]] = {case: [] for case in CASES}
    with ProcessPoolExecutor(arguments.parallel, mp_context=context, max_tasks_per_child=1) as pool:
        tasks = {
            pool.submit(run_case, case, data, options, seed, threads): (case, seed)
            for seed, case in product(range(arguments.seeds), CASES)
        }
        for task in as_completed(tasks):
            case, seed = tasks[task]
            trained, seconds = task.result()
            found[case].append(trained.average_precision)
            told = f"macro average precision {trained.average_precision:.4f}, best epoch {trained.best_epoch}"
            print(f"seed {seed}  {case:12} {told}, {seconds:.0f} s", flush=True)
    print(verdict_on(found))


if __name__ == "__main__":
    sys.exit(main())
