"""One step of training: forward, backward and the optimizer, on whatever devices there are."""

import logging
from collections.abc import Sequence
from typing import Any

import lightning.fabric
import numpy as np
import torch
from torch import nn

from animl_kedro.classifier.backbones import head_names
from animl_kedro.pipelines.modeling.batches import parts_of, step_seed
from animl_kedro.pipelines.modeling.checkpoints import State
from animl_kedro.pipelines.modeling.ema import AveragedNetwork
from animl_kedro.pipelines.modeling.losses import losses_of
from animl_kedro.pipelines.modeling.mixing import mix
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.schedules import build_optimizer
from animl_kedro.pipelines.modeling.trouble import is_out_of_memory, largest_that_fits, out_of_memory

logger = logging.getLogger(__name__)


class Stepper:
    """A network with its optimizer, and with the running mean of its weights where there is one.

    All that is random in a step follows from the numbers that it is seeded with, so that no state of a generator has
    to be kept.
    """

    def __init__(self, network: nn.Module, params: ModelingParams, fabric: lightning.fabric.Fabric) -> None:
        self.network = network.to(fabric.device).to(memory_format=torch.channels_last)
        self.average = AveragedNetwork(self.network, params.ema_decay) if params.ema_decay else None
        self.accumulate = params.accumulate
        self.steps_done = 0
        self._params = params
        self._fabric = fabric
        self._optimizer = build_optimizer(self.network.parameters(), params)
        self._fabric_optimizer: Any = fabric.setup_optimizers(self._optimizer)
        self._exchanges_late = params.halve_batch_on_oom and fabric.world_size > 1
        self._head_only: bool | None = None
        self._model: Any = None

    @property
    def evaluated(self) -> nn.Module:
        """The network that is evaluated and kept: the mean's, where there is one."""
        return self.average.network if self.average else self.network

    def start_epoch(self, *, head_only: bool) -> None:
        """Prepare for training the last layer alone, with batch norm and dropout frozen, or the whole network."""
        if self._head_only != head_only:
            self._head_only = head_only
            self.network.requires_grad_(not head_only)
            for name in head_names(self.network):
                self.network.get_submodule(name).requires_grad_(True)
            self._model = None  # what exchanges the gradients of other weights must be gone first
            self._model = self._fabric.setup_module(self.network, move_to_device=False)
        self._model.train(not head_only)

    def step(
        self, images: torch.Tensor, targets: torch.Tensor, crops: int, learning_rate: float, seeds: Sequence[int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Learn from this process's share of a batch, which has `crops` crops in all processes.

        Returns the (n, n_classes) logits and the mean loss, a number. Raises InputError where memory does not suffice
        and the parameters do not allow smaller parts, or where those would not help.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        while True:
            taught = None
            try:
                taught = self._forward_and_backward(images, targets, crops, seeds)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            if self._everywhere(taught is not None) and taught:
                logits, loss = taught
                break
            self._optimizer.zero_grad()
            self._divide_further(images, targets)
        self._exchange_gradients()
        self._fabric_optimizer.step()
        self._optimizer.zero_grad()
        if self.average:
            self.average.update(self.network, self.steps_done)
        self.steps_done += 1
        return logits, loss

    def _forward_and_backward(
        self, images: torch.Tensor, targets: torch.Tensor, crops: int, seeds: Sequence[int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        seed = step_seed(self._params.seed, *seeds, self._fabric.global_rank)
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        parts = list(parts_of((images, targets), self.accumulate))
        all_logits, losses = [], []
        for number, (part, part_targets) in enumerate(parts, start=1):
            with self._fabric.no_backward_sync(self._model, enabled=self._exchanges_late or number < len(parts)):
                logits, loss = self._loss_of(part, part_targets, rng)
                # the mean over all processes' gradients is that over the crops of the step, even where shares differ
                self._fabric.backward(loss * (self._fabric.world_size / crops))
            all_logits.append(logits.detach())
            losses.append(loss.detach())
        return torch.cat(all_logits), torch.stack(losses).sum() / len(images)

    def _loss_of(
        self, images: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The logits of a part, and the sum of its losses."""
        params, wanted = self._params, targets
        if params.mixup or params.cutmix:
            n_classes = len(self.network.get_parameter(f"{head_names(self.network)[0]}.weight"))
            images, wanted = mix(images, targets, n_classes, rng, mixup=params.mixup, cutmix=params.cutmix)
        logits = self._model(images.to(memory_format=torch.channels_last))
        losses = losses_of(logits, wanted, label_smoothing=params.label_smoothing, focal_gamma=params.focal_gamma)
        return logits, losses.sum()

    @torch.inference_mode()
    def evaluate(self, images: torch.Tensor) -> torch.Tensor:
        """Classify (n, 3, size, size) images by `evaluated`, which is in evaluation mode: (n, n_classes) logits."""
        with self._fabric.autocast():
            batches = [
                self.evaluated(part.to(memory_format=torch.channels_last))
                for (part,) in parts_of((images,), self.accumulate)
            ]
        return torch.cat(batches).float()

    def _everywhere(self, fitted: bool) -> bool:
        """Whether memory sufficed in every process: where it did not in one, all divide alike.

        None of them waits for another within the step, so that one can fail: gradients are exchanged afterwards.
        """
        return bool(self._lowest(int(fitted))) if self._exchanges_late else fitted

    def _exchange_gradients(self) -> None:
        """Give all processes the mean of their gradients, where the backward pass has not done so."""
        if not self._exchanges_late:
            return
        for weight in self.network.parameters():
            if weight.grad is not None:
                torch.distributed.all_reduce(weight.grad)
                weight.grad.div_(self._fabric.world_size)

    def _lowest(self, number: int) -> int:
        """The lowest of the numbers that the processes have."""
        lowest = torch.tensor(number, device=self._fabric.device)
        torch.distributed.all_reduce(lowest, torch.distributed.ReduceOp.MIN)
        return int(lowest)

    def _divide_further(self, images: torch.Tensor, targets: torch.Tensor) -> None:
        """After memory ran out: divide into twice as many parts, or raise InputError with what would fit."""
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        part = len(next(parts_of((images,), self.accumulate))[0])
        smallest = self._lowest(part) if self._exchanges_late else part
        if self._params.halve_batch_on_oom and smallest >= 4:
            self.accumulate *= 2
            logger.warning("out of memory with %d crops at once: going on with %d at once", part, -(-part // 2))
            return
        fitting = largest_that_fits(lambda number: self.attempt(images[:number], targets[:number]), part // 2)
        raise out_of_memory(part, fitting, self.accumulate, self._params.batch_size)

    def attempt(self, images: torch.Tensor, targets: torch.Tensor) -> None:
        """See whether so many crops fit at once; nothing is learned."""
        with self._fabric.no_backward_sync(self._model):
            self._fabric.backward(self._loss_of(images, targets, np.random.default_rng(0))[1])
        self._optimizer.zero_grad()

    def state(self) -> State:
        """What `load` takes."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict() if self.average else None,
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._fabric.strategy.precision.state_dict(),
            "accumulate": self.accumulate,
            "steps_done": self.steps_done,
        }

    def load(self, state: State) -> None:
        """Go on from what `state` gave."""
        self.network.load_state_dict(state["network"])
        if self.average:
            self.average.network.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:
            self._fabric.strategy.precision.load_state_dict(state["scaler"])
        self.accumulate, self.steps_done = state["accumulate"], state["steps_done"]

    def agree_on_statistics(self) -> None:
        """Give all processes the mean of their batch norm statistics, each having seen other crops."""
        if self._fabric.world_size == 1:
            return
        for network in dict.fromkeys((self.network, self.evaluated)):
            for buffer in network.buffers():
                if buffer.is_floating_point():
                    torch.distributed.all_reduce(buffer)
                    buffer.div_(self._fabric.world_size)
