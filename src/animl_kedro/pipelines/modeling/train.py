"""From the table of crops to a trained classifier."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch

import animl_kedro
from animl_kedro.classifier.backbones import EFFICIENTNETS, TIMM, build_network
from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.classifier.weights import IMAGENET
from animl_kedro.errors import InputError
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.crops import check_crops, drawing_weights
from animl_kedro.pipelines.modeling.distributed import run
from animl_kedro.pipelines.modeling.jobs import Job, Result
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.tables import Split

NEEDED = ["crop_id", "label", "split", "confidence"]
"""Columns of the crops that travel to every process."""


def train(
    crops: pd.DataFrame,
    sample_weights: pd.DataFrame,
    label_index: Mapping[str, str],
    crop_images: ImageFolder,
    params: ModelingParams,
    checkpoints: Path | None = None,
    host: int = 0,
) -> tuple[Classifier, Sequence[dict[str, Any]]]:
    """Train on the crops of the train split, choose the best epoch on those of the val split.

    `crops` is `LabeledCrops` with a column split, `sample_weights` is `SampleWeights`, `checkpoints` the folder from
    which a training that was killed is gone on with, `host` the number of this one of several hosts. Returns the
    classifier and the rows of `TrainingHistory`. The same parameters and crops give the same weights on one machine's
    CPU, whatever the order of the rows, and whether or not training was killed between; torch's own generator is left
    as it was. Raises InputError where a split has no crop, a class none in training, a file is absent, or the sample
    weights are of other crops.
    """
    job = prepare(crops, sample_weights, label_index, crop_images, params, checkpoints)
    check_crops(job.crops["crop_id"], crop_images)
    result = run(job, host)
    return classifier_of(job, result), result.outcome.history


def prepare(
    crops: pd.DataFrame,
    sample_weights: pd.DataFrame,
    label_index: Mapping[str, str],
    crop_images: ImageFolder,
    params: ModelingParams,
    checkpoints: Path | None = None,
) -> Job:
    """Check everything before the first epoch: see `train` for the arguments and errors."""
    crops = crops[NEEDED].sort_values("crop_id", ignore_index=True)
    labels = tuple(label_index[str(index)] for index in range(len(label_index)))
    _check(crops, labels)
    weights = drawing_weights(crops[crops["split"] == Split.TRAIN], sample_weights, params)
    return Job(crops, weights, labels, crop_images, params, checkpoints)


def classifier_of(job: Job, result: Result) -> Classifier:
    """The classifier of a training's best epoch, with how it came about."""
    params, best = job.params, result.outcome.best
    preprocessing = Preprocessing.of(params.backbone, params.input_size)
    with torch.random.fork_rng(devices=[]):
        network = build_network(params.backbone, len(job.labels), params.input_size)
    network.load_state_dict(result.outcome.weights)
    provenance = {
        "parameters": params.model_dump(mode="json"),
        "crops": job.crops["split"].value_counts().to_dict(),
        "best": {name: best[name] for name in ("epoch", "loss", "accuracy", "macro_average_precision")},
        "training": result.run,
        "versions": versions_behind(params),
    }
    return Classifier(params.backbone, job.labels, preprocessing, network.eval(), provenance)


def versions_behind(params: ModelingParams) -> dict[str, str]:
    """Of what weights and answers depend on, by the packages' names; libraries of networks where they had a part."""
    packages = ["torchvision", "lightning", "numpy", "pillow"]
    if params.backbone.startswith(TIMM):
        packages.append("timm")
    if params.backbone in EFFICIENTNETS and params.weights == IMAGENET:
        packages.append("efficientnet-pytorch")
    with_builds = {"torch": str(torch.__version__), "python": platform.python_version()}
    found = {package: version(package) for package in packages}
    return {"animl_kedro": animl_kedro.__version__} | with_builds | found


def _check(crops: pd.DataFrame, labels: Sequence[str]) -> None:
    """Refuse, before the first epoch, what training would stumble over."""
    for split in (Split.TRAIN, Split.VAL):
        if not (crops["split"] == split).any():
            raise InputError(f"The split {split} has no crop: raise dataset_split.{split}_fraction, or add locations.")
    in_training = set(crops.loc[crops["split"] == Split.TRAIN, "label"])
    if absent := [label for label in labels if label not in in_training]:
        raise InputError(
            f"No training crop shows {', '.join(absent)}, so that it cannot be learned: add locations with it, merge "
            "it with another class in the label map, or raise dataset_split.min_locations so that it is left out."
        )
