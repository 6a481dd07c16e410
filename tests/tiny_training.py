"""A training so small that an epoch takes a fraction of a second, for tests of what surrounds the network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.fabric
import torch
from torch import nn

from animl_kedro.classifier.backbones import HEAD
from animl_kedro.pipelines.modeling.batches import EpochBatches, Share
from animl_kedro.pipelines.modeling.checkpoints import Checkpoints, State
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.training import Outcome, Training, TrainingData

CLASSES = 3
FINGERPRINT = {"modeling.seed": "0"}


class TinyNetwork(nn.Module):
    """Has what can make a resumed run another one: batch norm and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.dropout = nn.Dropout(0.2)
        self.add_module(HEAD, nn.Linear(8, CLASSES))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.get_submodule(HEAD)(self.dropout(self.body(images)))
        return logits


class Greedy(TinyNetwork):
    """Runs out of memory with more crops at once than it can hold."""

    def __init__(self, holds: int) -> None:
        super().__init__()
        self.holds = holds

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > self.holds:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().forward(images)


class NoisyColours:
    """Batches of pictures in the colour of their class, with other noise by each draw's seed."""

    def __init__(self, batches: EpochBatches | Share) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for draws in self._batches:
            labels = torch.tensor([draw.crop % CLASSES for draw in draws])
            noise = [torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(draw.seed)) for draw in draws]
            yield torch.eye(3)[labels][:, :, None, None] + torch.stack(noise), labels


def tiny_params(**changes: Any) -> ModelingParams:
    defaults = {"epochs": 4, "batch_size": 8, "learning_rate": 0.01, "optimizer": "adamw", "device": "cpu"}
    return ModelingParams.model_validate(defaults | changes)


def tiny_fabric() -> lightning.fabric.Fabric:
    return lightning.fabric.Fabric(accelerator="cpu", devices=1)


def tiny_data(params: ModelingParams, crops: int = 60) -> TrainingData:
    batches = EpochBatches(crops, params.batch_size, params.seed)
    ids = [f"crop {number}" for number in range(crops)]
    return TrainingData(NoisyColours(batches), batches, NoisyColours(Share(30, 8)), ids)


def tiny_training(params: ModelingParams, network: nn.Module | None = None, **arguments: Any) -> Training:
    torch.manual_seed(params.seed)
    return Training(network or TinyNetwork(), tiny_data(params), params, tiny_fabric(), **arguments)


def train_or_go_on(folder: Path, params: ModelingParams) -> Outcome:
    """What a run does: go on from the checkpoint in the folder, if there is one."""
    checkpoints = Checkpoints(folder)
    state = checkpoints.load(FINGERPRINT)

    def save(state: State) -> None:
        checkpoints.save(state, FINGERPRINT)

    training = tiny_training(params, save=save)
    if state:
        training.load(state)
    outcome = training.run()
    checkpoints.remove()
    return outcome


def train_and_write(folder: Path, params: ModelingParams) -> None:
    """The same, as a process of its own, which leaves the outcome in a file."""
    torch.set_num_threads(1)
    outcome = train_or_go_on(folder, params)
    torch.save({"weights": outcome.weights, "history": outcome.history}, folder / "outcome.pt")
