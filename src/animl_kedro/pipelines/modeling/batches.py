"""Which crops each step of training sees: a function of the seed and the epoch alone, whatever ran before."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

SMALLEST_PART = 2
"""Crops that a network must see at once: batch norm cannot learn from one."""


class Draw(NamedTuple):
    """A crop of a pass, by its number, and the seed of what is random about it."""

    crop: int
    seed: int


class EpochBatches:
    """The batches of an epoch, shuffled or drawn by weight; of several processes, each gets an even share of each.

    ``batch_size`` counts the crops of a step in all processes, ``largest`` those of a whole batch in this one.
    ``epoch``, counted from 0, and ``first``, the step to begin with, are set before each pass. A last batch of which a
    process would get a single crop is left out, unless it is the only one.
    """

    def __init__(
        self,
        crops: int,
        batch_size: int,
        seed: int,
        weights: np.ndarray | None = None,
        *,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.epoch = 0
        self.first = 0
        self._crops = crops
        self.largest = -(-batch_size // processes)
        self._batch_size = batch_size
        self._seed = seed
        self._shares = None if weights is None else weights / weights.sum()
        self._rank = rank
        self._processes = processes
        whole, left = divmod(crops, batch_size)
        self.steps = max(whole + (left >= SMALLEST_PART * processes), 1)

    def __len__(self) -> int:
        return self.steps - self.first

    def __iter__(self) -> Iterator[list[Draw]]:
        order, seeds = self._order()
        for step in range(self.first, self.steps):
            mine = slice(step * self._batch_size + self._rank, (step + 1) * self._batch_size, self._processes)
            yield [Draw(crop, seed) for crop, seed in zip(order[mine].tolist(), seeds[mine].tolist(), strict=True)]

    def crops_of(self, step: int) -> np.ndarray:
        """The numbers of the crops of a step in all processes, (n_crops,)."""
        return self._order()[0][step * self._batch_size : (step + 1) * self._batch_size]

    def size_of(self, step: int) -> int:
        """How many crops a step has in all processes."""
        return min(self._batch_size, self._crops - step * self._batch_size)

    def _order(self) -> tuple[np.ndarray, np.ndarray]:
        """The crops of the epoch in their order, (n_crops,), and a seed for each."""
        rng = np.random.default_rng([self._seed, self.epoch])
        if self._shares is None:
            order = rng.permutation(self._crops)
        else:
            order = rng.choice(self._crops, self._crops, p=self._shares)
        return order, rng.integers(2**62, size=self._crops)


class Share:
    """The batches of one pass in the crops' order, of which each process gets every n-th crop, and no crop twice.

    ``largest`` is the size of a whole batch here.
    """

    def __init__(self, crops: int, batch_size: int, *, rank: int = 0, processes: int = 1) -> None:
        self._mine = range(rank, crops, processes)
        self.largest = max(batch_size // processes, 1)

    def __len__(self) -> int:
        return (len(self._mine) + self.largest - 1) // self.largest

    def __iter__(self) -> Iterator[list[Draw]]:
        for start in range(0, len(self._mine), self.largest):
            yield [Draw(crop, crop) for crop in self._mine[start : start + self.largest]]


def step_seed(*numbers: int) -> int:
    """A seed for what is random in one step of one process, from the run's seed, the epoch, the step and the rank."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def parts_of(tensors: Sequence[torch.Tensor], parts: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """Divide (n, …) tensors into as even parts, one after the other, but into none of a single crop."""
    parts = max(min(parts, len(tensors[0]) // SMALLEST_PART), 1)
    return zip(*(tensor.tensor_split(parts) for tensor in tensors), strict=True)
