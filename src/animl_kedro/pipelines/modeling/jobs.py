"""One training, from its crops to the weights of its best epoch, as each of its processes runs it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning.fabric
import numpy as np
import pandas as pd
import torch
from torch import nn

from animl_kedro.classifier.augmentation import Augmentation
from animl_kedro.classifier.backbones import build_network
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.classifier.squares import PlainSquare, SquareOf
from animl_kedro.classifier.weights import start_from
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.batches import EpochBatches, Share
from animl_kedro.pipelines.modeling.checkpoints import Checkpoints
from animl_kedro.pipelines.modeling.devices import loader_workers, open_fabric, precision_for
from animl_kedro.pipelines.modeling.finders import found_parameters
from animl_kedro.pipelines.modeling.fingerprints import Fingerprint, fingerprint_of
from animl_kedro.pipelines.modeling.loading import CropLoader, open_workers
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.tensorboard import open_logs
from animl_kedro.pipelines.modeling.training import Outcome, Training, TrainingData
from animl_kedro.tables import Split

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What a training is of; it can be pickled to other processes.

    ``crops`` is `LabeledCrops` with a column split, sorted by id, ``weights`` are how often each training crop is
    drawn, ``labels`` the classes in the order of the network's outputs. ``checkpoints`` is the folder of checkpoints
    and logs, ``name`` what tells this training from others there. Where ``keep`` is true the last checkpoint stays when
    the training has ended, and a second run gives the same at once.
    """

    crops: pd.DataFrame
    weights: np.ndarray | None
    labels: tuple[str, ...]
    crop_images: ImageFolder
    params: ModelingParams
    checkpoints: Path | None = None
    name: str = "training"
    keep: bool = False

    def crops_of(self, split: Split) -> pd.DataFrame:
        """The crops of a split."""
        return self.crops[self.crops["split"] == split]

    def fingerprint(self) -> Fingerprint:
        """What the training depends on."""
        return fingerprint_of(self.crops, self.weights, self.labels, self.crop_images, self.params)


@dataclass(frozen=True)
class Result:
    """What a training gave, and what it ran with: found parameters, precision, devices, and what was gone on from."""

    outcome: Outcome
    run: dict[str, Any] = field(default_factory=dict)


def run_job(job: Job) -> Result:
    """Train in this process, which is the only one or one of several; all of them give the same.

    What was killed before is gone on with where nothing has changed. torch's own generator is left as it was.
    """
    fabric = open_fabric(job.params)
    fabric.launch()
    checkpoints = Checkpoints(job.checkpoints, job.name)
    fingerprint = job.fingerprint()
    state = fabric.broadcast(checkpoints.load(fingerprint) if fabric.is_global_zero else None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.params.seed)
        network = _network(job)
        found = (
            state["found"]
            if state
            else found_parameters(network, job.params, fabric, lambda params: loaded(job, params, fabric))
        )
        params = job.params.model_copy(update=found)
        logs = job.checkpoints if fabric.is_global_zero else None
        with (
            open_logs(logs, job.name, params, resumed=state is not None) as report,
            loaded(job, params, fabric) as data,
        ):
            training = Training(
                network,
                data,
                params,
                fabric,
                save=lambda state: checkpoints.save(state | {"found": found}, fingerprint),
                report=report,
            )
            if state:
                training.load(state)
                logger.info("going on with the training that was interrupted, %s", training.where)
            outcome = training.run()
    if fabric.is_global_zero and not job.keep:
        checkpoints.remove()
    run = {
        "precision": precision_for(params),
        "device": _device_name(fabric),
        "processes": fabric.world_size,
        "stopped": str(outcome.stop_reason),
        "found": found,
    }
    return Result(outcome, run)


@contextmanager
def loaded(job: Job, params: ModelingParams, fabric: lightning.fabric.Fabric) -> Iterator[TrainingData]:
    """The loaders of this process, and their workers, which end with the context."""
    preprocessing = Preprocessing.of(params.backbone, params.input_size)
    ranks = {"rank": fabric.global_rank, "processes": fabric.world_size}
    train_crops, val_crops = job.crops_of(Split.TRAIN), job.crops_of(Split.VAL)
    batches = EpochBatches(len(train_crops), params.batch_size, params.seed, job.weights, **ranks)
    share = Share(len(val_crops), params.batch_size, **ranks)

    def loader(crops: pd.DataFrame, batches: EpochBatches | Share, square_of: SquareOf) -> CropLoader:
        return CropLoader(
            job.crop_images,
            crops["crop_id"].array,
            pd.Index(job.labels).get_indexer(pd.Index(crops["label"])),
            batches,
            square_of,
            preprocessing,
            device=fabric.device,
            workers=workers,
        )

    on_gpu = fabric.device.type == "cuda"
    with open_workers(loader_workers(params), batches.largest, params.input_size, as_processes=on_gpu) as workers:
        yield TrainingData(
            loader(train_crops, batches, Augmentation(params.augmentation, params.input_size)),
            batches,
            loader(val_crops, share, PlainSquare(preprocessing)),
            train_crops["crop_id"].array,
        )


def _network(job: Job) -> nn.Module:
    params = job.params
    network = build_network(
        params.backbone,
        len(job.labels),
        params.input_size,
        batch_norm_momentum=params.batch_norm_momentum,
        drop_connect=params.drop_connect,
    )
    loaded = start_from(network, params.backbone, params.weights, job.labels)
    if loaded:
        logger.info("%s", loaded)
    return network


def _device_name(fabric: lightning.fabric.Fabric) -> str:
    return torch.cuda.get_device_name(fabric.device) if fabric.device.type == "cuda" else fabric.device.type
