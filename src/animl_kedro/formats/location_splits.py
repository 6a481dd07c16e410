"""Which location was in which split: CameraTraps' ``splits.json``, or a plain list of locations.

CameraTraps writes ``{split: [[dataset, location], …]}``, and beside it ``classification_ds.csv`` with a row a crop.
Names that were marked, as `pandas_text` tells, are again what they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.formats.pandas_text import unmarked

Location = tuple[str, str]
"""A data set and a location in it."""

TEST = "test"
EXPECTED = 'expected {"train": [["dataset", "location"], …], "val": …, "test": …} or a list of ["dataset", "location"]'


@dataclass(frozen=True)
class LocationSplits:
    """The split of each location of an earlier division, with the ids of its test's crops where they are known.

    It is empty where there is no earlier division. ``source`` is where it was read from.
    """

    split_of: Mapping[Location, str] = field(default_factory=dict)
    test_crops: tuple[str, ...] = ()
    source: str = ""

    @property
    def test(self) -> set[Location]:
        """The locations of the test."""
        return {location for location, split in self.split_of.items() if split == TEST}


def read_location_splits(path: Path, csv: Path | None = None) -> LocationSplits:
    """Read ``splits.json`` or a list of test locations (JSON, or CSV with the columns dataset and location).

    ``csv`` is the ``classification_ds.csv`` that belongs to it. Raises InputError where a file is absent or is none of
    these, or where a location is in two splits.
    """
    if path.suffix.lower() == ".csv":
        table = _read_csv(path, ["dataset", "location"])
        splits: Any = {TEST: table[["dataset", "location"]].drop_duplicates().to_numpy().tolist()}
    else:
        splits = _read_json(path)
    split_of = _split_of_location(splits, str(path))
    crops: tuple[str, ...] = ()
    if csv is not None:
        table = _read_csv(csv, ["path", "dataset", "location"])
        in_test = [split_of.get(place) == TEST for place in zip(table["dataset"], table["location"], strict=True)]
        crops = tuple(table.loc[in_test, "path"])
    return LocationSplits(split_of, crops, str(path))


def _split_of_location(splits: Any, source: str) -> dict[Location, str]:
    if isinstance(splits, list):
        splits = {TEST: splits}
    if not isinstance(splits, dict):
        raise InputError(f"{source} holds no splits: {EXPECTED}.")
    split_of: dict[Location, str] = {}
    for split, locations in splits.items():
        for place in _locations(locations if isinstance(locations, list) else [locations], source):
            if split_of.setdefault(place, split) != split:
                raise InputError(
                    f"{source} has the location {'/'.join(place)} in {split_of[place]} and in {split}: choose one."
                )
    return split_of


def _locations(entries: list[Any], source: str) -> list[Location]:
    """Names as text: CameraTraps keeps those that are numbers as such."""
    for entry in entries:
        if not isinstance(entry, list) or len(entry) != 2 or not all(type(part) in (str, int) for part in entry):
            raise InputError(f"{source} has the location {str(entry)[:100]}: {EXPECTED}.")
    table = pd.DataFrame(entries, columns=["dataset", "location"]).astype(str)
    return list(zip(unmarked(table["dataset"]), unmarked(table["location"]), strict=True)) if entries else []


def _read_json(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"The splits {path} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}; {EXPECTED}.") from error


def _read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    """A CSV file, all as text: locations may be called 007 or NA."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no CSV file: {error}") from error
    if absent := [name for name in columns if name not in table]:
        raise InputError(f"{path} lacks the columns {', '.join(absent)}; it has {', '.join(table.columns)}.")
    return table.assign(dataset=unmarked(table["dataset"]), location=unmarked(table["location"]))
