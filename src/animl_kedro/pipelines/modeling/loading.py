"""Batches of crops for a network: threads open and change them ahead, in the process that trains.

Processes would need memory of their own, and cost a training on a CPU more than they bring; decoding, resizing and
turning leave Python's lock to others.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL.Image import Image

from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.image_folder import ImageFolder
from animl_kedro.images import Photograph, UnreadableImageError
from animl_kedro.pipelines.modeling.batches import Draw, EpochBatches, Share
from animl_kedro.pipelines.modeling.crops import open_crop, unreadable
from animl_kedro.threads import in_order

BATCHES_AHEAD = 2
"""Batches that are worked on before they are asked for."""

SquareOf = Callable[[Photograph, int], Image]
"""What makes of a crop, by a seed, the RGB square that the network sees."""


class _Row(NamedTuple):
    """A place in a batch of (n, size, size, 3) pixels, and what comes there."""

    pixels: torch.Tensor
    number: int
    draws: Sequence[Draw]


class CropLoader:
    """Gives batches on the device: (n, 3, size, size) float32 images, normalised, and (n,) numbers of their classes.

    A pass raises InputError that names a crop which cannot be read. What it gives depends on its batches alone, not on
    the number of threads.
    """

    def __init__(
        self,
        crop_images: ImageFolder,
        crop_ids: Sequence[str],
        targets: np.ndarray,
        batches: EpochBatches | Share,
        square_of: SquareOf,
        preprocessing: Preprocessing,
        *,
        device: torch.device,
        threads: int,
    ) -> None:
        self._crop_images = crop_images
        self._crop_ids = crop_ids
        self._targets = torch.from_numpy(targets)
        self._batches = batches
        self._square_of = square_of
        self._preprocessing = preprocessing
        self._device = device
        self._threads = threads

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        rows = (row for draws in self._batches for row in self._rows_for(draws))
        for row in in_order(self._filled, rows, BATCHES_AHEAD * self._batches.largest, self._threads):
            if row.number == len(row.draws) - 1:
                pixels = row.pixels.to(self._device, non_blocking=True)
                targets = self._targets[[draw.crop for draw in row.draws]]
                yield self._preprocessing.normalise_batch(pixels), targets.to(self._device, non_blocking=True)

    def _rows_for(self, draws: Sequence[Draw]) -> Iterator[_Row]:
        """The places of a batch, in memory that a GPU can take pixels from while it computes."""
        size = self._preprocessing.image_size
        pinned = self._device.type == "cuda"
        pixels = torch.empty((len(draws), size, size, 3), dtype=torch.uint8, pin_memory=pinned)
        return (_Row(pixels, number, draws) for number in range(len(draws)))

    def _filled(self, row: _Row) -> _Row:
        draw = row.draws[row.number]
        crop_id = self._crop_ids[draw.crop]
        try:
            square = self._square_of(open_crop(crop_id, self._crop_images), draw.seed)
        except UnreadableImageError as error:
            raise unreadable(crop_id, error) from error
        row.pixels.numpy()[row.number] = square
        return row
