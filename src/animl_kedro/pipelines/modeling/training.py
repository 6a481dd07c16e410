"""Training a classifier with Lightning: the module, the loop and the history."""

import logging
import math
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import lightning
import numpy as np
import torch
from torch import nn

from animl_kedro.average_precision import mean_average_precisions
from animl_kedro.classifier.backbones import HEAD
from animl_kedro.errors import InputError
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.progress import track
from animl_kedro.tables import Split

logger = logging.getLogger(__name__)

WARM_UP = 0.1
"""Fraction of the steps in which AdamW's learning rate rises."""


class EpochScores:
    """Sums up the batches of one pass over a split."""

    def __init__(self) -> None:
        self.logits: list[torch.Tensor] = []
        self.targets: list[torch.Tensor] = []
        self.started = time.monotonic()

    def add(self, logits: torch.Tensor, targets: torch.Tensor) -> None:
        """Count a batch of (n, n_classes) logits and (n,) targets."""
        self.logits.append(logits.detach().float().cpu())
        self.targets.append(targets.cpu())

    def summary(self) -> dict[str, float]:
        """Loss, accuracy, macro average precision over the classes that occur, seconds and images a second."""
        logits, targets = torch.cat(self.logits), torch.cat(self.targets)
        seconds = time.monotonic() - self.started
        return {
            "loss": nn.functional.cross_entropy(logits, targets).item(),
            "accuracy": (logits.argmax(dim=1) == targets).double().mean().item(),
            "macro_average_precision": macro_average_precision(logits.double().softmax(dim=1).numpy(), targets.numpy()),
            "seconds": seconds,
            "images_per_second": len(targets) / seconds,
        }


def macro_average_precision(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Mean average precision of the classes that occur in `targets`; 0 where none does."""
    is_positive = targets[:, None] == np.arange(probabilities.shape[1])
    return float(np.nan_to_num(mean_average_precisions(is_positive, probabilities)["macro"]))


def warm_up_and_cosine(step: int, steps: int) -> float:
    """The factor of the highest learning rate at a step: a straight rise, then half a cosine down to 0."""
    warm_up = max(round(WARM_UP * steps), 1)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(steps - warm_up, 1)))


class TrainingModule(lightning.LightningModule):
    """Trains a network by cross-entropy, and remembers the weights of its best epoch.

    The best epoch is the one with the highest macro average precision on the validation split, the first of equals
    with the lower loss.
    """

    def __init__(self, network: nn.Module, params: ModelingParams) -> None:
        super().__init__()
        self.network = network
        self.params = params
        self.history: list[dict[str, Any]] = []
        self.best_score = (-1.0, 0.0)
        self.best_epoch = 0
        self.best_state: dict[str, torch.Tensor] = {}
        self._scores: EpochScores

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Classify (n, 3, size, size) images: (n, n_classes) logits."""
        logits: torch.Tensor = self.network(images.to(memory_format=torch.channels_last))
        return logits

    def configure_optimizers(self) -> Any:
        """The optimizer and schedule that the parameters ask for."""
        params, rate = self.params, self.params.peak_learning_rate
        if params.optimizer == "rmsprop":
            # Source: CameraTraps, classification/train_classifier.py
            optimizer: torch.optim.Optimizer = torch.optim.RMSprop(
                self.network.parameters(), rate, alpha=0.9, momentum=0.9, weight_decay=params.weight_decay
            )
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.97 ** (1 / 2.4))]
        optimizer = torch.optim.AdamW(self.network.parameters(), rate, weight_decay=params.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_up_and_cosine(step, steps))
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    def on_train_epoch_start(self) -> None:
        """Train the head alone in the first epochs, with batch norm and dropout frozen."""
        head_only = self.current_epoch < self.params.head_only_epochs
        self.network.requires_grad_(not head_only)
        self.network.get_submodule(HEAD).requires_grad_(True)
        self.network.train(not head_only)
        self._scores = EpochScores()

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], _batch_index: int) -> torch.Tensor:
        """The loss of a batch."""
        images, targets = batch
        logits = self(images)
        self._scores.add(logits, targets)
        loss = nn.functional.cross_entropy(logits, targets)
        self._check_finite(loss)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Close the training half of the epoch; validation comes behind it."""
        self._note(Split.TRAIN)
        self._scores = EpochScores()

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], _batch_index: int) -> None:
        """Classify a batch of the validation split."""
        images, targets = batch
        logits = self(images)
        self._check_finite(logits)
        self._scores.add(logits, targets)

    def _check_finite(self, numbers: torch.Tensor) -> None:
        """Raise InputError where training has diverged: such a network must never be taken for a good one."""
        if not torch.isfinite(numbers).all():
            raise InputError(
                f"Training diverged in epoch {self.current_epoch + 1}: its numbers are no longer finite. Lower "
                f"modeling.learning_rate (it is {self.params.peak_learning_rate:g}) and run the pipeline again."
            )

    def on_validation_epoch_end(self) -> None:
        """Note the scores, and keep the weights if they are the best so far."""
        row = self._note(Split.VAL)
        score = (row["macro_average_precision"], -row["loss"])
        self.log("val_macro_average_precision", score[0])
        if not self.best_state or score > self.best_score:
            self.best_score, self.best_epoch = score, self.current_epoch + 1
            self.best_state = {
                name: tensor.detach().cpu().clone() for name, tensor in self.network.state_dict().items()
            }

    def _note(self, split: Split) -> dict[str, Any]:
        rate = self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]
        row = {"epoch": self.current_epoch + 1, "split": split, "learning_rate": rate, **self._scores.summary()}
        self.history.append(row)
        return row


class EpochLines(lightning.Callback):
    """Tells every epoch in one line of the log."""

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write the line."""
        assert isinstance(pl_module, TrainingModule)  # noqa: S101 - this callback belongs to that module
        train, val = pl_module.history[-2:]
        logger.info(
            "epoch %d of %d: loss %.3f, validation: loss %.3f, accuracy %.3f, macro AP %.3f%s, %.0f images/s",
            trainer.current_epoch + 1,
            trainer.max_epochs or 0,
            train["loss"],
            val["loss"],
            val["accuracy"],
            val["macro_average_precision"],
            " (best so far)" if pl_module.best_epoch == trainer.current_epoch + 1 else "",
            train["images_per_second"],
        )


class ShownLoader:
    """A loader that shows how far the pass over it is."""

    def __init__(self, loader: torch.utils.data.DataLoader[Any], description: str) -> None:
        self._loader = loader
        self._description = description

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Any]:
        return track(self._loader, self._description, total=len(self))


def _quiet_lightning() -> None:
    """Lightning announces devices, tips and its own end, each line twice; the lines of the epochs say enough."""
    warnings.filterwarnings("ignore", message=r"`isinstance\(treespec")  # Lightning 2.6 with torch 2.15
    for name in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
        logging.getLogger(name).handlers.clear()


def fit(
    network: nn.Module,
    training: torch.utils.data.DataLoader[Any],
    validation: torch.utils.data.DataLoader[Any],
    params: ModelingParams,
) -> tuple[Sequence[dict[str, Any]], int]:
    """Train a network in place, and leave it with the weights of its best epoch.

    Returns the rows of `TrainingHistory` and the best epoch, counted from 1.
    """
    _quiet_lightning()
    module = TrainingModule(network.to(memory_format=torch.channels_last), params)
    stopping = lightning.pytorch.callbacks.EarlyStopping(
        "val_macro_average_precision", mode="max", patience=params.patience
    )
    trainer = lightning.Trainer(
        max_epochs=params.epochs,
        accelerator="auto",
        devices=1,
        callbacks=[stopping, EpochLines()],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, ShownLoader(training, "training"), ShownLoader(validation, "validating"))
    if stopping.stopped_epoch:
        logger.info("stopped after epoch %d: no better one for %d epochs", stopping.stopped_epoch + 1, params.patience)
    network.load_state_dict(module.best_state)
    return [row | {"best": row["epoch"] == module.best_epoch} for row in module.history], module.best_epoch
