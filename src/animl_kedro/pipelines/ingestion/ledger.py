"""The ledger of an image store: what is known of each of its files, so that a rerun need not open them.

It is a file of JSON lines beside the images, one line added as each image is in place, so that a run that is killed
loses at most the line that it was writing. A later line of a file replaces an earlier one.
"""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

from animl_kedro.files import written_whole

LEDGER = ".ledger.jsonl"


class Entry(NamedTuple):
    """What is known of a file: the object that it came from, its size in bytes, its MD5, and when it was written."""

    key: str
    bytes: int
    checksum: str
    modified_ns: int


class Ledger:
    """The entries by path, as they were at the beginning, and the file that new ones are added to."""

    def __init__(self, entries: Mapping[str, Entry], descriptor: int) -> None:
        self.entries = entries
        self._descriptor = descriptor

    def add(self, path: str, entry: Entry) -> None:
        """Write an entry down, in one piece: threads and processes may do so at the same time."""
        line = _line(path, entry)
        if os.write(self._descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_ledger(root: Path) -> dict[str, Entry]:
    """The entries by path. Lines that are none are left out: the last one of a run that was killed, or a stranger's."""
    return _read(root)[0]


@contextmanager
def opened_ledger(root: Path) -> Iterator[Ledger]:
    """The ledger of a store, for as long as the context lasts; lines that no longer count are dropped first."""
    entries, is_tidy = _read(root)
    if not is_tidy:
        with written_whole(root / LEDGER) as temporary, temporary.open("wb") as file:
            file.writelines(_line(path, entry) for path, entry in entries.items())
    descriptor = os.open(root / LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        yield Ledger(entries, descriptor)
    finally:
        os.close(descriptor)


def _read(root: Path) -> tuple[dict[str, Entry], bool]:
    """The entries by path, and whether the ledger has nothing but a line for each of them."""
    entries: dict[str, Entry] = {}
    lines = 0
    try:
        with (root / LEDGER).open("rb") as file:
            for line in file:
                lines += 1 if line.endswith(b"\n") else 2  # to which the next one would be glued
                if (parsed := _parsed(line)) is not None:
                    path, entry = parsed
                    entries[path] = entry
    except (FileNotFoundError, NotADirectoryError):
        pass
    return entries, lines == len(entries)


def _line(path: str, entry: Entry) -> bytes:
    return orjson.dumps([path, *entry], option=orjson.OPT_APPEND_NEWLINE)


def _parsed(line: bytes) -> tuple[str, Entry] | None:
    try:
        path, key, size, checksum, modified_ns = orjson.loads(line)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        return None
    fits = all(isinstance(text, str) for text in (path, key, checksum)) and isinstance(size, int)
    return (path, Entry(key, size, checksum, modified_ns)) if fits and isinstance(modified_ns, int) else None
