"""How the learning rate goes through training, and the optimizers that it is for."""

import math
from collections.abc import Iterable

import torch

from animl_kedro.pipelines.modeling.parameters import ModelingParams

WARM_UP = 0.1
"""Fraction of the steps in which AdamW's learning rate rises."""


def warm_up_and_cosine(step: int, steps: int) -> float:
    """The factor of the highest learning rate at a step: a straight rise, then half a cosine down to 0."""
    warm_up = max(round(WARM_UP * steps), 1)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(steps - warm_up, 1)))


def cameratraps_decay(epoch: int) -> float:
    """The factor of the first learning rate in an epoch, counted from 0: it falls by 0.97 in 2.4 epochs.

    Source: CameraTraps, classification/train_classifier.py, where it is a StepLR of one epoch with 0.97 ** (1 / 2.4).
    """
    return math.pow(0.97, epoch / 2.4)


def learning_rate(params: ModelingParams, epoch: int, step: int, steps: int) -> float:
    """The learning rate at a step of all `steps` of training, which belongs to an epoch; all are counted from 0."""
    factor = cameratraps_decay(epoch) if params.optimizer == "rmsprop" else warm_up_and_cosine(step, steps)
    return params.peak_learning_rate * factor


def build_optimizer(weights: Iterable[torch.nn.Parameter], params: ModelingParams) -> torch.optim.Optimizer:
    """The optimizer that the parameters ask for."""
    rate = params.peak_learning_rate
    if params.optimizer == "rmsprop":
        # Source: CameraTraps, classification/train_classifier.py
        return torch.optim.RMSprop(weights, rate, alpha=0.9, momentum=0.9, weight_decay=params.weight_decay)
    return torch.optim.AdamW(weights, rate, weight_decay=params.weight_decay)
