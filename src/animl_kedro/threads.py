"""Work in threads, in the order of what is worked on: images are opened ahead while a network looks at others."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

MAX_THREADS = 16
"""There are no more than processors: most of the work is decoding."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def default_threads() -> int:
    """As many threads as this process may use processors, `MAX_THREADS` at most."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MAX_THREADS)


def in_order(work: Callable[[Item], Result], items: Iterable[Item], ahead: int) -> Iterator[Result]:
    """Yield the results of work on items in their order, done in threads, at most `ahead` before they are asked for."""
    with ThreadPoolExecutor(default_threads(), thread_name_prefix="opener") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
