"""Work on many tasks at once, by processes of this machine or by a Dask cluster, whatever happens to a worker.

Tasks go to the workers in shards. A shard whose worker died is done again; one that loses its workers again and again
is done task by task, so that the task which is to blame is found, and it alone is given up.
"""

import logging
import math
import multiprocessing
import multiprocessing.connection
import os
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar
from weakref import WeakSet

from animl_kedro.errors import InputError

logger = logging.getLogger(__name__)

HERE = "processes"
"""The executor of this machine."""

SCHEDULER = re.compile(r"(tcp|tls|ws|wss|ucx)://\S+")
"""Addresses of Dask's schedulers."""

CONNECT_TIMEOUT_S = 10

LOOK_EVERY_S = 10
"""How often it is looked whether an executor is still there, where nothing comes from it."""

MOST_LOOKS_IN_VAIN = 12
"""How often a cluster may be seen without a worker, in a row, before it is given up."""

FEW_TASKS = 64
"""Below this, starting processes takes longer than the work."""

SHARDS_PER_PROCESS = 4
"""How many shards a process gets at least, where there are few tasks: all processes end at about the same time."""

MOST_LOSSES = 3
"""How often a shard may lose its worker before its tasks are done one by one. Dask counts by itself, to 3 as well."""

DASK_WINDOW = 1000
"""Shards that a scheduler holds at once: enough for large clusters, and it need not hold a million tasks."""

Task = TypeVar("Task")
Result = TypeVar("Result")
Shard = list[Task]


def in_shards(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    executor: str,
    processes: int | None,
    on_lost: Callable[[Task], Result],
    shard_size: int = 32,
) -> Iterator[Result]:
    """Yield the result of every task as they come, in no order.

    `executor` is "processes", on this machine: `processes` of them, None for one a core, and none but this one for 1 or
    for few tasks; or the address of a Dask scheduler ("tcp://host:8786"), whose workers need this package. What goes to
    workers and comes back is pickled. A script that calls this needs `if __name__ == "__main__":`, since processes
    import it when they start.

    A task that kills whatever worker it is given to has the result that `on_lost` makes of it, here; a task may be done
    more than once for that. An error of the work itself is raised here as it is, and ends the work on the others.
    Raises InputError where the executor is unknown, not installed, cannot be reached or is lost.
    """
    if executor != HERE and not SCHEDULER.fullmatch(executor):
        raise InputError(
            f"The executor {executor!r} is unknown: expected {HERE!r} for processes of this machine, or the address of "
            "a Dask scheduler such as tcp://192.168.0.10:8786."
        )
    if executor != HERE:
        backend = _dask(executor)
        return _run(work, _cut(tasks, shard_size), backend, on_lost) if tasks else iter(())
    processes = processes or os.cpu_count() or 1
    if processes == 1 or len(tasks) < FEW_TASKS:
        return map(work, tasks)
    size = min(shard_size, math.ceil(len(tasks) / (processes * SHARDS_PER_PROCESS)))
    return _run(work, _cut(tasks, size), _local(processes), on_lost)


@dataclass(frozen=True)
class _Backend:
    """A kind of executor. `open` gives a new one, or one with a single worker where it is told so."""

    open: Callable[[bool], AbstractContextManager[Executor]]
    lost: tuple[type[BaseException], ...]
    """The errors of a shard whose worker died, though the executor had tried as often as it does by itself."""
    window: int
    """How many shards are handed over at once."""
    most_losses: int
    gone: str
    """What is told where the executor gave up on all of the work."""
    is_gone: Callable[[Any], bool] = lambda _: False
    """Whether a pool that has given nothing for a while never will."""


def _local(processes: int) -> _Backend:
    return _Backend(
        open=lambda alone: process_pool(1 if alone else processes),
        lost=(BrokenExecutor,),
        window=2 * processes,
        most_losses=MOST_LOSSES,
        gone="The worker processes were stopped.",
    )


def _dask(address: str) -> _Backend:
    try:
        from distributed.scheduler import KilledWorker  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise InputError("Dask is not installed: pip install 'animl-kedro[dask]'") from error
    return _Backend(
        open=lambda _: _dask_executor(address),
        lost=(KilledWorker,),
        window=DASK_WINDOW,
        most_losses=1,
        gone=f"The Dask scheduler at {address} was lost, or all of its workers were. Start them again and then this: "
        "what is done is not done twice.",
        is_gone=_DaskExecutor.is_gone,
    )


def _run(
    work: Callable[[Task], Result], shards: Iterable[Shard[Task]], backend: _Backend, on_lost: Callable[[Task], Result]
) -> Iterator[Result]:
    guilty: list[Shard[Task]] = []
    yield from _done(work, shards, backend, guilty, alone=False)
    for shard in guilty:
        # one task at a time, so that nothing else can have killed the worker
        lost: list[Shard[Task]] = []
        yield from _done(work, ([task] for task in shard), backend, lost, alone=True)
        for (task,) in lost:
            logger.warning("the worker process died whenever it was given this task: %.200s", task)
            yield on_lost(task)


def _done(
    work: Callable[[Task], Result],
    shards: Iterable[Shard[Task]],
    backend: _Backend,
    guilty: list[Shard[Task]],
    *,
    alone: bool,
) -> Iterator[Result]:
    """Yield the results of shards, of each once, and put the shards whose workers die too often into `guilty`."""
    waiting = deque(enumerate(shards))
    losses: Counter[int] = Counter()
    while waiting:
        lost = []
        with backend.open(alone) as pool:
            for number, shard, future in _finished(pool, work, waiting, backend, 1 if alone else backend.window):
                try:
                    results = future.result()
                except backend.lost:
                    lost.append((number, shard))
                except CancelledError:
                    raise InputError(backend.gone) from None
                else:
                    yield from results
        losses.update(number for number, _ in lost)
        too_often = {number for number, _ in lost if losses[number] >= backend.most_losses}
        guilty += [shard for number, shard in lost if number in too_often]
        waiting.extendleft((number, shard) for number, shard in lost if number not in too_often)
        if lost and not alone:
            logger.warning("a worker process died: %d shards are done again", len(lost))


def _finished(
    pool: Executor,
    work: Callable[[Task], Result],
    waiting: deque[tuple[int, Shard[Task]]],
    backend: _Backend,
    window: int,
) -> Iterator[tuple[int, Shard[Task], Future[list[Result]]]]:
    """Yield shards with their futures as they are done. What the pool takes no more is left in `waiting`."""
    running: dict[Future[list[Result]], tuple[int, Shard[Task]]] = {}
    finished: SimpleQueue[Future[list[Result]]] = SimpleQueue()
    broken = False
    while running or (waiting and not broken):
        while waiting and not broken and len(running) < window:
            try:
                future = pool.submit(_do, work, waiting[0][1])
            except BrokenExecutor:
                broken = True
            else:
                running[future] = waiting.popleft()
                future.add_done_callback(finished.put)
        if running:
            future = _next(finished, lambda: backend.is_gone(pool), backend.gone)
            yield *running.pop(future), future


def _next(finished: SimpleQueue[Future[Result]], is_gone: Callable[[], bool], gone: str) -> Future[Result]:
    while True:
        try:
            return finished.get(timeout=LOOK_EVERY_S)
        except Empty:
            if is_gone():
                raise InputError(gone) from None


def _do(work: Callable[[Task], Result], shard: Shard[Task]) -> list[Result]:
    """Work on a shard: this is what runs in a worker."""
    return [work(task) for task in shard]


def _cut(tasks: Sequence[Task], size: int) -> Iterator[Shard[Task]]:
    return (list(tasks[start : start + size]) for start in range(0, len(tasks), size))


@contextmanager
def process_pool(processes: int, prepare: Callable[[], None] | None = None) -> Iterator[Executor]:
    """Processes that end with this one, each of which calls `prepare` first.

    Raises InputError where they die before they do anything.
    """
    # A forked process would inherit locks that the threads of other libraries hold.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, _start, (prepare,))
    try:
        first = pool.submit(os.getpid)
        yield pool
        if isinstance(first.exception(), BrokenExecutor):
            raise InputError(
                "The worker processes die before they do anything. If a script of yours calls this, put the call "
                'below `if __name__ == "__main__":`; else set processes: 1, and the cause is shown.'
            )
    finally:
        pool.shutdown(cancel_futures=True)


def _start(prepare: Callable[[], None] | None) -> None:
    _end_with_parent()
    if prepare:
        prepare()


def _end_with_parent() -> None:
    """Let this worker process end when its parent is killed: else it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


@contextmanager
def _dask_executor(address: str) -> Iterator[Executor]:
    from distributed import Client  # noqa: PLC0415 - an optional part

    try:
        client: Any = Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(f"There is no Dask scheduler at {address}: {error}. Start one: dask scheduler") from error
    pool = _DaskExecutor(client)
    try:
        yield pool
    finally:
        pool.cancel()
        client.close()


class _DaskFuture(Future[Result]):
    """A Dask client's future as one of the standard library, whose result is fetched by whoever asks for it.

    Dask calls back in one thread for all clients: a result must not be fetched there, where a client that is closed
    meanwhile would hold up everybody's callbacks for ever.
    """

    def __init__(self, client: Any, dask_future: Any) -> None:
        super().__init__()
        self._client = client
        self.dask_future = dask_future

    def add_done_callback(self, fn: Callable[[Future[Result]], Any]) -> None:
        self.dask_future.add_done_callback(lambda _: fn(self))

    def result(self, timeout: float | None = None) -> Result:
        """Fetch the outcome; Dask makes it again where it is lost meanwhile. CancelledError: there is no scheduler."""
        del timeout
        while True:
            try:
                return self.dask_future.result(timeout=LOOK_EVERY_S)  # type: ignore[no-any-return]
            except (OSError, CancelledError) as error:  # of which TimeoutError is one
                if self.dask_future.status == "error":  # the work raised it
                    raise
                if not isinstance(error, TimeoutError) or self._client.status != "running":
                    raise CancelledError from error


class _DaskExecutor(Executor):
    """A Dask client as an executor of the standard library.

    Dask's own, `Client.get_executor`, raises a ValueError where a worker dies just after its result was fetched
    (distributed 2026.8, ``_cascade_future`` looks at the state a second time): it is no help against lost workers.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._running: WeakSet[_DaskFuture[Any]] = WeakSet()
        self._looks_in_vain = 0

    def submit(self, work: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        future: _DaskFuture[Result] = _DaskFuture(self._client, self._client.submit(work, *args, pure=False, **kwargs))
        self._running.add(future)
        return future

    def is_gone(self) -> bool:
        """Whether the scheduler was lost, of which futures are told but for some that come just then, or its workers.

        A scheduler without workers would be waited for in vain: they are given the time of some looks to come back.
        """
        if self._client.status != "running":
            return True
        has_workers = bool(self._client.nthreads())
        self._looks_in_vain = 0 if has_workers else self._looks_in_vain + 1
        return self._looks_in_vain >= MOST_LOOKS_IN_VAIN

    def cancel(self) -> None:
        """Let nothing begin that has not begun."""
        self._client.cancel([future.dask_future for future in self._running])
