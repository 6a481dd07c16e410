"""Training a classifier on Lightning's Fabric: the epochs, their scores, and what is kept of them."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import lightning.fabric
import torch
from torch import nn

from animl_kedro.pipelines.modeling.batches import EpochBatches
from animl_kedro.pipelines.modeling.checkpoints import State
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.schedules import learning_rate
from animl_kedro.pipelines.modeling.scores import Scores, score_of, summarize
from animl_kedro.pipelines.modeling.stepping import Stepper
from animl_kedro.pipelines.modeling.trouble import diverged, diverged_in_validation
from animl_kedro.progress import track
from animl_kedro.tables import Split

logger = logging.getLogger(__name__)

LOOK_EVERY = 50
"""Steps after which a GPU is asked for its losses, and several processes for the time: each question makes it wait."""

Row = dict[str, Any]


class StopReason(StrEnum):
    """Why training ended."""

    ALL_EPOCHS = "all_epochs"
    NO_BETTER_EPOCH = "no_better_epoch"


class Loader(Protocol):
    """Gives batches of (n, 3, size, size) images and (n,) numbers of their classes, on the device."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]: ...


@dataclass(frozen=True)
class TrainingData:
    """Loaders of batches on the device, and what tells which crops they are of.

    ``training`` is over ``batches``; ``crop_ids`` are those of the training crops in the order of their numbers.
    """

    training: Loader
    batches: EpochBatches
    validation: Loader
    crop_ids: Any  # an array of text, which a list of a million would need several times the memory of


@dataclass
class Progress:
    """How far training is; ``epochs_done`` and the ``step`` of the epoch under way are counted from 0."""

    epochs_done: int = 0
    step: int = 0
    history: list[Row] = field(default_factory=list)
    best_epoch: int = 0
    best_score: tuple[float, float] = (0.0, 0.0)
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)
    stop_reason: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What training gives: the weights of the best epoch, counted from 1, on the CPU, and the rows of the history."""

    weights: dict[str, torch.Tensor]
    history: list[Row]
    best_epoch: int
    stop_reason: StopReason

    @property
    def best(self) -> Row:
        """The best epoch's row of the validation split."""
        return next(row for row in self.history if row["epoch"] == self.best_epoch and row["split"] == Split.VAL)


class Training:
    """Trains a network epoch by epoch; can be killed at any moment and gone on with from its last state.

    `save` takes a state for `load`, at the end of every epoch and every `checkpoint_minutes` within one; `report` gets
    the two rows of an epoch. The best epoch is the first of equals by `stop_metric` and then by loss.
    """

    def __init__(
        self,
        network: nn.Module,
        data: TrainingData,
        params: ModelingParams,
        fabric: lightning.fabric.Fabric,
        *,
        save: Callable[[State], None] = lambda _: None,
        report: Callable[[Row, Row], None] = lambda *_: None,
    ) -> None:
        self._stepper = Stepper(network, params, fabric)
        self._data = data
        self._params = params
        self._fabric = fabric
        self._save = save
        self._report = report
        self._progress = Progress()
        self._scores = Scores()
        self._losses: list[tuple[int, torch.Tensor]] = []
        self._last_saved = time.monotonic()

    def run(self) -> Outcome:
        """Train to the end. Raises InputError where the network diverges or memory does not suffice."""
        progress = self._progress
        while progress.stop_reason is None:
            self._train_epoch()
            train = self._row(Split.TRAIN, self._scores)
            val = self._row(Split.VAL, self._validate())
            self._close_epoch(train, val)
        rows = [row | {"best": row["epoch"] == progress.best_epoch} for row in progress.history]
        return Outcome(progress.best_weights, rows, progress.best_epoch, StopReason(progress.stop_reason))

    def state(self) -> State:
        """All that training goes on from. Every process has to ask, if there are several."""
        scores = self._scores.state()
        scores["logits"], scores["targets"] = self._from_all(scores["logits"]), self._from_all(scores["targets"])
        return {"stepper": self._stepper.state(), "progress": vars(self._progress), "scores": scores}

    def load(self, state: State) -> None:
        """Go on from what `state` gave."""
        self._stepper.load(state["stepper"])
        self._progress = Progress(**state["progress"])
        if self._fabric.is_global_zero:  # the scores are those of all processes
            self._scores.load(state["scores"])

    @property
    def where(self) -> str:
        """How far training is, in words."""
        progress = self._progress
        return f"in epoch {progress.epochs_done + 1} after {progress.step} of {self._data.batches.steps} steps"

    def _train_epoch(self) -> None:
        progress, batches = self._progress, self._data.batches
        batches.epoch, batches.first = progress.epochs_done, progress.step
        if progress.step == 0:
            self._scores = Scores()
        self._stepper.start_epoch(head_only=progress.epochs_done < self._params.head_only_epochs)
        for images, targets in self._shown(self._data.training, "training"):
            logits, loss = self._stepper.step(
                images, targets, batches.size_of(progress.step), self._rate(), (progress.epochs_done, progress.step)
            )
            self._scores.add(logits, targets)
            self._losses.append((progress.step, loss))
            progress.step += 1
            self._look(last=progress.step == batches.steps)

    def _rate(self) -> float:
        """The learning rate at the next step; at an epoch's end that of its last one."""
        progress, steps = self._progress, self._data.batches.steps
        done = progress.epochs_done * steps + min(progress.step, steps - 1)
        return learning_rate(self._params, progress.epochs_done, done, self._params.epochs * steps)

    def _look(self, *, last: bool) -> None:
        """From time to time, see whether the losses are finite, and save a checkpoint if one is due."""
        seldom = self._progress.step % LOOK_EVERY == 0
        if last or seldom or self._fabric.device.type == "cpu":
            self._check_losses()
        if last or not (seldom or self._fabric.world_size == 1):
            return
        due = time.monotonic() - self._last_saved >= self._params.checkpoint_minutes * 60
        if self._fabric.broadcast(due):
            self._check_losses()
            self._checkpoint()

    def _check_losses(self) -> None:
        """Raise InputError with the crops of the first step whose loss is not finite."""
        if not self._losses:
            return
        finite = torch.isfinite(torch.stack([loss for _, loss in self._losses])).tolist()
        steps = [step for (step, _), is_finite in zip(self._losses, finite, strict=True) if not is_finite]
        self._losses.clear()
        if steps:
            crops = [self._data.crop_ids[number] for number in self._data.batches.crops_of(steps[0])]
            raise diverged(self._progress.epochs_done + 1, steps[0] + 1, crops, self._params.peak_learning_rate)

    def _validate(self) -> Scores:
        self._stepper.agree_on_statistics()
        self._stepper.evaluated.eval()
        scores = Scores()
        for images, targets in self._shown(self._data.validation, "validating"):
            scores.add(self._stepper.evaluate(images), targets)
        return scores

    def _row(self, split: Split, scores: Scores) -> Row:
        """A row of the history, of the crops of all processes."""
        state = scores.state()
        logits, targets = self._from_all(state["logits"]), self._from_all(state["targets"])
        epoch = self._progress.epochs_done + 1
        if self._fabric.is_global_zero and split == Split.VAL and not torch.isfinite(logits[0]).all():
            raise diverged_in_validation(epoch, self._params.peak_learning_rate)
        measured = summarize(logits[0], targets[0], state["seconds"]) if self._fabric.is_global_zero else {}
        row = {"epoch": epoch, "split": str(split), "learning_rate": self._rate(), **measured}
        return dict(self._fabric.broadcast(row))

    def _close_epoch(self, train: Row, val: Row) -> None:
        progress, params = self._progress, self._params
        progress.history += [train, val]
        score = score_of(val, params.stop_metric)
        if not progress.best_weights or score > progress.best_score:
            progress.best_score, progress.best_epoch = score, train["epoch"]
            weights = self._stepper.evaluated.state_dict()
            progress.best_weights = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
        progress.epochs_done, progress.step = progress.epochs_done + 1, 0
        if progress.epochs_done == params.epochs:
            progress.stop_reason = str(StopReason.ALL_EPOCHS)
        elif progress.epochs_done - progress.best_epoch >= params.patience:
            progress.stop_reason = str(StopReason.NO_BETTER_EPOCH)
        self._scores = Scores()
        self._checkpoint()
        if self._fabric.is_global_zero:
            tell_epoch(train, val, params.epochs, is_best=progress.best_epoch == train["epoch"])
            self._report(train, val)

    def _checkpoint(self) -> None:
        state = self.state()
        if self._fabric.is_global_zero:
            self._save(state)
        self._last_saved = time.monotonic()

    def _from_all(self, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        """What all processes have, as one tensor on the CPU, or none where there is nothing."""
        if self._fabric.world_size > 1:
            gathered: list[Any] = [None] * self._fabric.world_size
            torch.distributed.all_gather_object(gathered, tensors)
            tensors = [tensor for of_one in gathered for tensor in of_one]
        return [torch.cat(tensors)] if tensors else []

    def _shown(self, loader: Loader, doing: str) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
        """The batches; the first process shows how far they are."""
        return track(loader, doing, total=len(loader)) if self._fabric.is_global_zero else loader


def tell_epoch(train: Mapping[str, Any], val: Mapping[str, Any], epochs: int, *, is_best: bool) -> None:
    """Tell an epoch in one line of the log."""
    logger.info(
        "epoch %d of %d: loss %.3f, validation: loss %.3f, accuracy %.3f, macro AP %.3f%s, %.0f images/s",
        train["epoch"],
        epochs,
        train["loss"],
        val["loss"],
        val["accuracy"],
        val["macro_average_precision"],
        " (best so far)" if is_best else "",
        train["images_per_second"],
    )
