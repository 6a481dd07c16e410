"""One run at a time in a folder."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from animl_kedro.errors import InputError
from animl_kedro.image_folder import LOCK, ImageFolder

logger = logging.getLogger(__name__)


@contextmanager
def alone_in(folder: ImageFolder, doing: str) -> Iterator[None]:
    """Hold the locks of a folder's places on this machine; the system gives them back even where a run is killed.

    Another run, which is `doing` something there, is waited for. What can only be read needs no lock, and what lies on
    a remote store has none.
    """
    with suppress(InputError, OSError):
        folder.root.mkdir(parents=True, exist_ok=True)  # else the first run would hold no lock
    with ExitStack() as locks:
        for place in folder.local_roots:
            lock = FileLock(place / LOCK)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                logger.info("another run is %s in %s: waiting for it to end", doing, place)
                lock.acquire()
            except OSError:
                continue
            locks.callback(lock.release)
        yield


@contextmanager
def sole_run_in(folder: Path, doing: str, advice: str) -> Iterator[None]:
    """The same for work that is not worth waiting for: raises InputError with the advice where another run is at it."""
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(f"Another run is {doing} in {folder}: wait until it ends, or stop it. {advice}") from error
    except OSError:  # a folder that can only be read, or has no locks
        logger.debug("no lock can be held in %s", folder)
    try:
        yield
    finally:
        lock.release()
