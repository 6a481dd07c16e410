"""The ledger of an image store: what is known of each of its files, so that a rerun need not open them.

It is a file of JSON lines beside the images, one line added as each image is in place, so that a run that is killed
loses at most the line that it was writing. A later line of a file replaces an earlier one.
"""

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
        os.write(self._descriptor, _line(path, entry))


def read_ledger(root: Path) -> dict[str, Entry]:
    """The entries by path. Lines that are none are left out: the last one of a run that was killed, or a stranger's."""
    return _read(root)[0]


@contextmanager
def opened_ledger(root: Path) -> Iterator[Ledger]:
    """The ledger of a store, for as long as the context lasts; lines that no longer count are dropped first."""
    entries, lines = _read(root)
    if lines > len(entries):
        with written_whole(root / LEDGER) as temporary, temporary.open("wb") as file:
            file.writelines(_line(path, entry) for path, entry in entries.items())
    descriptor = os.open(root / LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        yield Ledger(entries, descriptor)
    finally:
        os.close(descriptor)


def _read(root: Path) -> tuple[dict[str, Entry], int]:
    """The entries by path, and how many lines the ledger has for them."""
    entries: dict[str, Entry] = {}
    lines = 0
    try:
        with (root / LEDGER).open("rb") as file:
            for lines, line in enumerate(file, start=1):  # noqa: B007 - their number is wanted after the last
                if (parsed := _parsed(line)) is not None:
                    path, entry = parsed
                    entries[path] = entry
    except FileNotFoundError:
        pass
    return entries, lines


def _line(path: str, entry: Entry) -> bytes:
    return orjson.dumps([path, *entry], option=orjson.OPT_APPEND_NEWLINE)


def _parsed(line: bytes) -> tuple[str, Entry] | None:
    try:
        path, key, size, checksum, modified_ns = orjson.loads(line)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        return None
    fits = all(isinstance(text, str) for text in (path, key, checksum)) and isinstance(size, int)
    return (path, Entry(key, size, checksum, modified_ns)) if fits and isinstance(modified_ns, int) else None
