"""The running mean of a network's weights, which often classifies better than the weights themselves."""

from copy import deepcopy

import torch
from torch import nn


def decay_at(step: int, decay: float) -> float:
    """The share of the mean that is kept at a step, counted from 0: little at first, that the beginning is forgotten.

    Source: TensorFlow's ExponentialMovingAverage with num_updates.
    """
    return min(decay, (1 + step) / (10 + step))


class AveragedNetwork:
    """A network whose weights are the exponential moving average of another one's, and its batch norm statistics too.

    ``network`` is in evaluation mode.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after a step, counted from 0."""
        mine, theirs = list(self.network.state_dict().values()), list(network.state_dict().values())
        means = [tensor for tensor in mine if tensor.is_floating_point()]
        values = [tensor for tensor in theirs if tensor.is_floating_point()]
        torch._foreach_lerp_(means, values, 1 - decay_at(step, self._decay))
        for count, value in zip(mine, theirs, strict=True):
            if not count.is_floating_point():
                count.copy_(value)
