"""A network at work: threads open images while it looks at others."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from animl_kedro.threads import in_order

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image
    from torch import nn

    from animl_kedro.classifier.preprocessing import Preprocessing

logger = logging.getLogger(__name__)

CPU_BATCH, GPU_BATCH = 16, 128
"""Images that the network looks at together: more gain nothing, and need memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Predictor:
    """Gives the logits of images, on a GPU if there is one. The network is left as it is.

    ``batch_size`` is how many images the network looks at together.
    """

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, n_classes: int) -> None:
        import torch  # noqa: PLC0415 - torch takes seconds to import

        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = prepared(network, self.device)
        self._preprocessing = preprocessing
        self._n_classes = n_classes
        self.batch_size = GPU_BATCH if self.device.type == "cuda" else CPU_BATCH

    def logits(
        self, items: Iterable[Item], images_of: Callable[[Item], tuple[Result, Sequence[Image]]]
    ) -> Iterator[tuple[Result, NDArray[np.float32]]]:
        """Look at the images of items, which are opened some ahead of the network, in threads.

        `images_of` gives an item's RGB images, none, one or more, and something to go with them. Yields the latter
        with the (n_images, n_classes) logits, item by item in their order. What `images_of` raises is raised here.
        """
        waiting: deque[tuple[Result, int]] = deque()

        def squares() -> Iterator[NDArray[np.uint8]]:
            for result, own in in_order(lambda item: self._open(images_of, item), items, 2 * self.batch_size):
                waiting.append((result, len(own)))
                yield from own

        rows: deque[NDArray[np.float32]] = deque()
        for batch in self.logits_of_batches(self._batched(squares())):
            rows.extend(batch)
            while waiting and waiting[0][1] <= len(rows):
                yield self._take(*waiting.popleft(), rows)
        while waiting:
            yield self._take(*waiting.popleft(), rows)

    def _open(
        self, images_of: Callable[[Item], tuple[Result, Sequence[Image]]], item: Item
    ) -> tuple[Result, list[NDArray[np.uint8]]]:
        result, images = images_of(item)
        return result, [np.asarray(self._preprocessing.square(image)) for image in images]

    def _take(self, result: Result, count: int, rows: deque[NDArray[np.float32]]) -> tuple[Result, NDArray[np.float32]]:
        taken = [rows.popleft() for _ in range(count)]
        return result, np.array(taken, dtype=np.float32).reshape(count, self._n_classes)

    def logits_of_batches(self, batches: Iterable[torch.Tensor]) -> Iterator[NDArray[np.float32]]:
        """The (n, n_classes) logits of batches of (n, 3, size, size) normalised images that are on `device`.

        A GPU works on one while the next is put together.
        """
        running: torch.Tensor | None = None
        for images in batches:
            started = self._look(images)
            if running is not None:
                yield running.cpu().numpy()
            running = started
        if running is not None:
            yield running.cpu().numpy()

    def _batched(self, squares: Iterator[NDArray[np.uint8]]) -> Iterator[torch.Tensor]:
        """Squares as normalised batches on the device."""
        import torch  # noqa: PLC0415 - torch takes seconds to import

        while batch := list(islice(squares, self.batch_size)):
            yield self._preprocessing.normalise_batch(torch.from_numpy(np.stack(batch)).to(self.device))

    def _look(self, images: torch.Tensor) -> torch.Tensor:
        """The logits of a batch; where it is too large for the GPU's memory, of half after half."""
        import torch  # noqa: PLC0415 - torch takes seconds to import

        try:
            with torch.inference_mode():
                logits: torch.Tensor = self._network(images).float()
                return logits
        except torch.OutOfMemoryError:
            if len(images) == 1:
                raise
        half = (len(images) + 1) // 2
        self.batch_size = min(self.batch_size, half)
        logger.info("the GPU's memory is too small for %d images at once: from now on %d", len(images), half)
        return torch.cat([self._look(images[:half]), self._look(images[half:])])


def prepared(network: nn.Module, device: torch.device) -> nn.Module:
    """A copy of a network that only evaluates, on a device, in the layout that is fastest."""
    from animl_kedro.classifier.folding import for_inference  # noqa: PLC0415 - torch takes seconds to import

    return for_inference(network).to(device)
