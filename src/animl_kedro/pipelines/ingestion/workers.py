"""Work in threads that gives its results as they are done."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Task], Result], tasks: Sequence[Task], threads: int, stop: Callable[[], None] | None = None
) -> Iterator[Result]:
    """Yield the tasks' results in the order in which they are done.

    An error ends all threads, each after the task that it is at, and is raised. `stop` is called before these are
    waited for: it may shorten their tasks. A future for each task would cost as
    much as a small download.
    """
    waiting = deque(tasks)
    done: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()
    stopped = Event()

    def take_tasks() -> None:
        while not stopped.is_set():
            try:
                task = waiting.popleft()
            except IndexError:
                return
            try:
                done.put((work(task), None))
            except BaseException as error:  # raised below, in the thread that waits for results
                stopped.set()
                done.put((None, error))
                return

    workers = min(threads, len(tasks))
    with ThreadPoolExecutor(workers or 1) as pool:
        try:
            for _ in range(workers):
                pool.submit(take_tasks)
            for _ in tasks:
                result, error = done.get()
                if error is not None:
                    raise error
                yield result  # type: ignore[misc] # which is there where no error is
        finally:
            stopped.set()
            if stop is not None:
                stop()
