"""Progress of long work: a bar in a terminal, a line in the log every half minute elsewhere."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

logger = logging.getLogger(__name__)

LINE_EVERY_S = 30.0

T = TypeVar("T")


def track(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yield the items, showing how many of `total` are done."""
    console = Console(stderr=True)
    return (
        _with_bar(items, description, total, console) if console.is_terminal else _with_lines(items, description, total)
    )


def _with_bar(items: Iterable[T], description: str, total: int, console: Console) -> Iterator[T]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(items, total=total, description=description)


def _with_lines(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    started = last_line = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last_line >= LINE_EVERY_S:
            last_line = now
            rate = done / (now - started)
            logger.info(
                "%s: %d of %d, %.1f/s, about %.0f s to go", description, done, total, rate, (total - done) / rate
            )
