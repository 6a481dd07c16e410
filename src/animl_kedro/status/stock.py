"""The files of catalog entries: which is the newest version, and when it was written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from animl_kedro.places import LocalPlace, Place, place_of

VERSION_FORMAT = "%Y-%m-%dT%H.%M.%S.%fZ"
"""Kedro's names of versions, in UTC."""


@dataclass(frozen=True)
class Holding:
    """What an entry holds: its newest version's files, relative to a place, and when the last of them was written."""

    place: Place
    files: tuple[str, ...]
    written: datetime
    bytes: int
    version: str | None = None

    @property
    def made(self) -> datetime:
        """When the run began that made it, where that is told by the version; else when it was written."""
        try:
            return datetime.strptime(self.version or "", VERSION_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            return self.written


def holding_of(entry: Mapping[str, Any], project: Path) -> Holding | None:
    """What an entry holds, or None where it holds nothing, or names no file.

    Raises InputError where the place cannot be had, and OSError where a folder cannot be read.
    """
    found = [_newest(place_of(absolute(path, project)), entry) for path in _filepaths(entry)]
    holdings = [holding for holding in found if holding is not None]
    return max(holdings, key=lambda holding: holding.written) if holdings else None


def _filepaths(value: Any) -> Iterator[str]:
    """The files that an entry names, itself or for each of its data sets."""
    if not isinstance(value, Mapping):
        return
    if isinstance(value.get("filepath"), str):
        yield value["filepath"]
    datasets = value.get("datasets")
    for part in datasets.values() if isinstance(datasets, Mapping) else ():
        yield from [part] if isinstance(part, str) else _filepaths(part)


def absolute(filepath: str, project: Path) -> str:
    """A URL as it is, and a path of an entry as it is from outside of the project."""
    return filepath if "://" in filepath else str(project / filepath)


def _newest(place: Place, entry: Mapping[str, Any]) -> Holding | None:
    name = str(place).rstrip("/").rpartition("/")[2]
    if not entry.get("versioned"):
        return _unversioned(place, name)
    stats = {path: stat for path, stat in place.stats() if _is_of_a_version(path, name)}
    version = max((path.partition("/")[0] for path in stats), default=None)
    if version is None:
        return None
    files = {path: stat for path, stat in stats.items() if path.startswith(f"{version}/")}
    written = max(stat.modified_ns for stat in files.values())
    size = sum(stat.bytes for stat in files.values())
    return Holding(place, tuple(sorted(files)), _moment(written), size, version)


def _is_of_a_version(path: str, name: str) -> bool:
    """Whether a path is ``<version>/<name>`` or a file below it, as Kedro has it; files in the making are not."""
    parts = path.split("/")
    return len(parts) > 1 and parts[1] == name and not any(part.startswith(".") for part in parts)


def _unversioned(place: Place, name: str) -> Holding | None:
    folder = str(place).rstrip("/").rpartition("/")[0]
    parent = LocalPlace(place.root.parent) if isinstance(place, LocalPlace) else place_of(folder)
    stat = parent.stat(name)
    if stat is None:
        return None
    return Holding(parent, (name,), _moment(stat.modified_ns), stat.bytes)


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
