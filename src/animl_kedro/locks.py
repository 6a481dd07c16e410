"""One run at a time in a folder."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

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
