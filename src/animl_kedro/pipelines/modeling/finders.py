"""Finding a learning rate and a batch size by short trials, before training."""

from __future__ import annotations

import logging
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import lightning.fabric
import numpy as np
import torch
from torch import nn

from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.stepping import Stepper
from animl_kedro.pipelines.modeling.training import TrainingData
from animl_kedro.pipelines.modeling.trouble import largest_that_fits

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

logger = logging.getLogger(__name__)

RATES = np.geomspace(1e-6, 1.0, 100)
"""The learning rates of a trial, each for one step."""

SMOOTHING = 0.9
"""Share of the earlier losses in the smoothed one, of which a single step says little."""

ENOUGH = 4.0
"""A trial ends where the smoothed loss is so many times its lowest."""

LARGEST_PART = 4096
"""Crops at once that are tried at most."""

TRIAL_EPOCH = 10**6
"""The number of the epoch whose batches a trial sees, and whose augmentations, as no epoch of training does."""


def found_parameters(
    network: nn.Module,
    params: ModelingParams,
    fabric: lightning.fabric.Fabric,
    data_for: Callable[[ModelingParams], AbstractContextManager[TrainingData]],
) -> dict[str, Any]:
    """The parameters that were to be found, by name; the network is left as it was."""
    found: dict[str, Any] = {}
    if params.find_batch_size and fabric.device.type == "cuda":
        found["batch_size"] = largest_batch_size(network, params, fabric)
    elif params.find_batch_size:
        logger.info("modeling.find_batch_size fills the memory of GPUs: without one batch_size stays as it is")
    if params.find_learning_rate:
        changed = params.model_copy(update=found)
        with data_for(changed) as data:
            found["learning_rate"] = _learning_rate(network, changed, fabric, data)
    for name, value in found.items():
        logger.info("found by trial: modeling.%s = %g", name, value)
    return found


def fastest_rate(rates: np.ndarray, losses: np.ndarray) -> float:
    """The rate at which the smoothed loss falls fastest by the logarithm of the rate.

    `rates` and `losses` are (n,). Source: Smith 2017, Cyclical Learning Rates, read as Lightning's finder does.
    """
    smoothed = smooth(losses)
    if len(smoothed) < 3:
        return float(rates[0])
    lowest = int(smoothed.argmin())
    slopes = np.gradient(smoothed, np.log(rates[: len(smoothed)]))[: max(lowest, 2)]
    return float(rates[int(slopes.argmin())])


def smooth(losses: np.ndarray) -> np.ndarray:
    """The running mean of (n,) losses, up to where it is not finite or has risen too far."""
    mean = 0.0
    smoothed: list[float] = []
    for number, loss in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * float(loss)
        corrected = mean / (1 - SMOOTHING**number)  # as the first ones count from 0
        if not np.isfinite(corrected) or (smoothed and corrected > ENOUGH * min(smoothed)):
            break
        smoothed.append(corrected)
    return np.array(smoothed)


def _learning_rate(
    network: nn.Module, params: ModelingParams, fabric: lightning.fabric.Fabric, data: TrainingData
) -> float:
    stepper = Stepper(deepcopy(network), params, fabric)
    stepper.start_epoch(head_only=params.head_only_epochs > 0)
    losses: list[torch.Tensor] = []
    data.batches.epoch = TRIAL_EPOCH
    while len(losses) < len(RATES):
        for step, (images, targets) in enumerate(data.training):
            rate, seeds = RATES[len(losses)], (data.batches.epoch, step)
            losses.append(stepper.step(images, targets, data.batches.size_of(step), float(rate), seeds)[1])
            if len(losses) == len(RATES):
                break
        data.batches.epoch += 1
    return float(fabric.broadcast(fastest_rate(RATES, torch.stack(losses).cpu().numpy())))


def largest_batch_size(network: nn.Module, params: ModelingParams, fabric: lightning.fabric.Fabric) -> int:
    """The largest power of two that each device can train on at once, times the processes and the parts."""
    size = params.input_size
    stepper = Stepper(deepcopy(network), params.model_copy(update={"accumulate": 1}), fabric)
    stepper.start_epoch(head_only=False)

    def fits(part: int) -> None:
        images = torch.zeros(part, 3, size, size, device=fabric.device)
        stepper.attempt(images, torch.zeros(part, dtype=torch.long, device=fabric.device))

    mine = torch.tensor(max(largest_that_fits(fits, LARGEST_PART), 2), device=fabric.device)
    part: Any = fabric.all_reduce(mine, reduce_op="min") if fabric.world_size > 1 else mine
    return int(part) * fabric.world_size * params.accumulate
