"""Places that files lie in, below relative paths: a folder of this machine, or a prefix of a remote store.

Paths are taken as they are: whoever asks has checked that they stay inside.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from animl_kedro.files import written_whole

UNREADABLE = (FileNotFoundError, NotADirectoryError, PermissionError)
"""Why a folder shows nothing: it is absent or just removed, is a file, or is the administrator's, as ``lost+found``."""


class FileStat(NamedTuple):
    """What tells that a file is another one than before: its size in bytes, and when it was written, in ns since 1970.

    A remote store tells whole seconds, or no time at all: 0.
    """

    bytes: int
    modified_ns: int


class Place(Protocol):
    """Reads and writes files by their relative paths with forward slashes, in any process that it is pickled to.

    What is absent is a FileNotFoundError, or NotADirectoryError or IsADirectoryError where a folder is in the way;
    another OSError tells that the place itself cannot be had.
    """

    def read(self, path: str) -> bytes:
        """Give a file's bytes."""
        ...

    def write(self, path: str, data: bytes) -> FileStat:
        """Write a file whole: nobody ever finds a half one under its name."""
        ...

    def stat(self, path: str) -> FileStat | None:
        """Tell of a file, or None where there is none."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; that it is absent is no error."""
        ...

    def names(self) -> Iterator[str]:
        """Give every file's relative path, in no order."""
        ...

    def stats(self) -> Iterator[tuple[str, FileStat]]:
        """Tell of every file, in no order."""
        ...


class LocalPlace:
    """A folder of this machine, or one that is mounted. It need not be there before something is written."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def read(self, path: str) -> bytes:
        """Give a file's bytes."""
        return (self.root / path).read_bytes()

    def write(self, path: str, data: bytes) -> FileStat:
        """Write a file whole."""
        with written_whole(self.root / path) as temporary, temporary.open("wb") as file:
            file.write(data)
            file.flush()
            status = os.fstat(file.fileno())
        return FileStat(status.st_size, status.st_mtime_ns)

    def stat(self, path: str) -> FileStat | None:
        """Tell of a file, or None where there is none."""
        try:
            status = (self.root / path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return FileStat(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None

    def remove(self, path: str) -> None:
        """Remove a file; that it is absent is no error."""
        (self.root / path).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """Give every file's relative path, in no order."""
        return (path for path, entry in _walk(self.root) if entry.is_file())

    def stats(self) -> Iterator[tuple[str, FileStat]]:
        """Tell of every file, in no order; 100,000 take about half a second."""
        for path, entry in _walk(self.root):
            try:
                status = entry.stat()
            except FileNotFoundError:  # removed since, or a link to nowhere
                continue
            if stat.S_ISREG(status.st_mode):
                yield path, FileStat(status.st_size, status.st_mtime_ns)


def _walk(folder: Path | str, prefix: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Everything below a folder but folders. Links to folders are followed at its top only: data sets may be links."""
    try:
        entries = list(os.scandir(folder))
    except UNREADABLE:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=not prefix):
            yield from _walk(entry.path, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry
