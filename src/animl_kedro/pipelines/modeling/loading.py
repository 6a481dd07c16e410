"""Batches of crops for a network: workers open and change them ahead, and write them into memory that all share.

For a CPU the workers are threads of the process that trains: other processes would cost it more than they bring. A GPU
takes more than a thousand crops a second, more than Python's lock lets the threads of one process make: for it they are
processes, which know nothing of torch and so need little memory.
"""

import os
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch

from animl_kedro.allocator import keep_freed_memory
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.classifier.squares import SharedPixels, SquareOf, attached, write_squares
from animl_kedro.errors import InputError
from animl_kedro.executors import process_pool
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.batches import Draw, EpochBatches, Share

BATCHES_AHEAD = 3
"""Batches that are worked on before they are asked for."""


@dataclass(frozen=True)
class Workers:
    """Threads or processes, and the memory into which they write: `BATCHES_AHEAD` batches, and the one in use.

    ``crops_a_task`` is what one of them is given at once.
    """

    executor: Executor
    pixels: SharedPixels
    batch_size: int
    crops_a_task: int


@contextmanager
def open_workers(count: int, batch_size: int, image_size: int, *, as_processes: bool) -> Iterator[Workers]:
    """Start threads, or processes, that load batches of up to `batch_size` crops, squares of `image_size` pixels."""
    shape = ((BATCHES_AHEAD + 1) * batch_size, image_size, image_size, 3)
    crops_a_task = -(-batch_size // count) if as_processes else 1  # it takes a while to send a task to a process
    with _shared_pixels(shape) as pixels, _executor(count, as_processes=as_processes) as executor:
        yield Workers(executor, pixels, batch_size, crops_a_task)


def _executor(count: int, *, as_processes: bool) -> AbstractContextManager[Executor]:
    if as_processes:
        return process_pool(count, keep_freed_memory)
    return ThreadPoolExecutor(count, thread_name_prefix="loader")


@contextmanager
def _shared_pixels(shape: tuple[int, int, int, int]) -> Iterator[SharedPixels]:
    """A file in memory, which the system forgets with this process; where there is no such thing, a temporary one."""
    try:
        if hasattr(os, "memfd_create"):
            with os.fdopen(os.memfd_create("crops"), "wb") as file:
                file.truncate(prod(shape))
                yield SharedPixels(f"/proc/{os.getpid()}/fd/{file.fileno()}", shape)
        else:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                path = Path(folder) / "crops"
                with path.open("wb") as file:
                    file.truncate(prod(shape))
                yield SharedPixels(str(path), shape)
    finally:
        attached.cache_clear()


class CropLoader:
    """Gives batches on the device: (n, 3, size, size) float32 images, normalised, and (n,) numbers of their classes.

    What it gives depends on `batches` alone, not on the workers. A pass raises InputError that names a crop which
    cannot be read, or where worker processes were killed. Loaders may share workers, but one pass at a time.
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
        workers: Workers,
    ) -> None:
        self._crop_images = crop_images
        self._crop_ids = crop_ids
        self._targets = torch.from_numpy(targets)
        self._batches = batches
        self._square_of = square_of
        self._preprocessing = preprocessing
        self._device = device
        self._workers = workers
        self._pixels = torch.from_numpy(workers.pixels.array())

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        begun: deque[tuple[list[Draw], int, list[Future[None]]]] = deque()
        try:
            for number, draws in enumerate(self._batches):
                first = number % (BATCHES_AHEAD + 1) * self._workers.batch_size
                begun.append((draws, first, self._begin(draws, first)))
                if len(begun) > BATCHES_AHEAD:
                    yield self._finished(*begun.popleft())
            while begun:
                yield self._finished(*begun.popleft())
        finally:
            _abandon([future for _, _, futures in begun for future in futures])

    def _begin(self, draws: Sequence[Draw], first: int) -> list[Future[None]]:
        """Have a batch's squares written from the row `first` on."""
        workers = self._workers
        crops = [(self._crop_ids[draw.crop], draw.seed) for draw in draws]
        return [
            workers.executor.submit(
                write_squares,
                crops[start : start + workers.crops_a_task],
                first + start,
                workers.pixels,
                self._crop_images.read,
                self._square_of,
            )
            for start in range(0, len(crops), workers.crops_a_task)
        ]

    def _finished(
        self, draws: Sequence[Draw], first: int, futures: Sequence[Future[None]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Bring a batch to the device; its rows may be written again."""
        try:
            for future in futures:
                future.result()
        except BrokenExecutor as error:
            raise InputError(
                "A process that loads crops was killed, perhaps since memory ran out: set modeling.loader_workers to "
                "fewer. Training goes on from its last checkpoint."
            ) from error
        except BaseException:
            _abandon(futures)
            raise
        pixels = self._pixels[first : first + len(draws)]
        targets = self._targets[[draw.crop for draw in draws]]
        if self._device.type == "cuda":
            pixels = torch.empty_like(pixels, pin_memory=True).copy_(pixels).to(self._device, non_blocking=True)
        return self._preprocessing.normalise_batch(pixels), targets.to(self._device)


def _abandon(futures: Sequence[Future[None]]) -> None:
    """Cancel what has not begun, and wait for what has: its rows are to be written by others."""
    wait([future for future in futures if not future.cancel()])
