"""CameraTraps' classification files, three in a folder, which its train_classifier.py reads.

``classification_ds.csv`` has a row a crop, ``label_index.json`` the class of every output of the network,
``splits.json`` the locations of every split as [data set, location]. CameraTraps reads the CSV with pandas' guesses
and joins it to the splits by the two names: a text that pandas would take for a number or for nothing is marked in all
three files (see `pandas_text`), and is again what it was when it is read here. A comma in a class, where CameraTraps
expects several classes, is written as %2C.

Source: https://github.com/agentmorris/MegaDetector, megadetector/classification/create_classification_dataset.py and
train_utils.py (load_dataset_csv).
"""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.formats.pandas_text import marked, unmarked
from animl_kedro.tables import ClassificationCrops

CROPS_FILE = "classification_ds.csv"
LABEL_INDEX_FILE = "label_index.json"
SPLITS_FILE = "splits.json"

NAMES = ["dataset", "location", "dataset_class", "label"]
"""The columns of names, which can look like anything."""

SplitLocations = dict[str, list[tuple[str, str]]]
"""The (data set, location) of every split."""


@dataclass(frozen=True)
class ClassificationFiles:
    """What the three files hold: `ClassificationCrops`, {"0": class, …}, and the locations of every split.

    Raises InputError where they do not belong together: a location in two splits or in none, a class that is not in
    the index.
    """

    crops: pd.DataFrame
    label_index: dict[str, str]
    splits: SplitLocations

    def __post_init__(self) -> None:
        _check_locations(self.crops, self.splits)
        if unknown := sorted(set(self.crops["label"]) - set(self.label_index.values())):
            raise InputError(
                f"{CROPS_FILE} has the class {unknown[0]!r}, which {LABEL_INDEX_FILE} does not have; it has "
                f"{', '.join(self.label_index.values())}. Take all three files from one run."
            )


def write_classification_files(files: ClassificationFiles, folder: Path) -> None:
    """Write the three files into a folder that is there."""
    crops = files.crops.assign(label=_without_commas(files.crops["label"]))
    crops = crops.assign(**{name: marked(crops[name]) for name in NAMES})
    crops.to_csv(folder / CROPS_FILE, index=False, quoting=csv.QUOTE_NONNUMERIC)
    _write_json(
        dict(zip(files.label_index, _written(files.label_index.values()), strict=True)), folder / LABEL_INDEX_FILE
    )
    _write_json({split: _marked_pairs(pairs) for split, pairs in files.splits.items()}, folder / SPLITS_FILE)


def read_classification_files(folder: Path) -> ClassificationFiles:
    """Read the three files. Raises InputError where one is absent, is not of its form, or does not fit the others."""
    return ClassificationFiles(
        _read_crops(folder / CROPS_FILE),
        _read_label_index(folder / LABEL_INDEX_FILE),
        _read_splits(folder / SPLITS_FILE),
    )


def _read_crops(path: Path) -> pd.DataFrame:
    """Read `ClassificationCrops`, names as text whatever they look like.

    Raises InputError where the file is absent, lacks a column, or has a confidence that is not from 0 to 1.
    """
    try:
        crops = pd.read_csv(path, dtype=str, keep_default_na=False)
        crops = crops.assign(confidence=pd.to_numeric(crops["confidence"]))
        crops = crops.assign(**{name: unmarked(crops[name]) for name in NAMES})
        crops = crops.assign(label=with_commas(crops["label"]))
        return ClassificationCrops.validate(crops)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}), expected CameraTraps' {CROPS_FILE}.") from error
    except (KeyError, ValueError) as error:  # pandera's errors are ValueErrors too
        columns = ", ".join(ClassificationCrops.to_schema().columns)
        raise InputError(f"{path} is not CameraTraps' {CROPS_FILE}, with the columns {columns}: {error}") from error


def _read_splits(path: Path) -> SplitLocations:
    """Read splits.json: the (data set, location) of every split, as text also where they are written as numbers.

    Raises InputError where the file is absent or is not of that form.
    """
    content = _read_json(path)
    try:
        pairs = {
            split: [(str(dataset), str(location)) for dataset, location in pairs] for split, pairs in content.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not CameraTraps' {SPLITS_FILE}, expected {{split: [[data set, location], …]}}."
        ) from error
    return {split: _unmarked_pairs(pairs) for split, pairs in pairs.items()}


def _read_label_index(path: Path) -> dict[str, str]:
    content = _read_json(path)
    if not isinstance(content, dict) or not all(isinstance(label, str) for label in content.values()):
        raise InputError(f'{path} is not CameraTraps\' {LABEL_INDEX_FILE}, expected {{"0": class, …}}.')
    labels = with_commas(unmarked(_series(content.values())))
    return dict(zip(content, labels, strict=True))


def _check_locations(crops: pd.DataFrame, splits: SplitLocations) -> None:
    seen: dict[tuple[str, str], str] = {}
    for split, pairs in splits.items():
        for pair in pairs:
            if (other := seen.setdefault(pair, split)) != split:
                raise InputError(f"The location {'/'.join(pair)} is in the splits {other} and {split}, expected one.")
    places = crops[["dataset", "location"]].drop_duplicates().itertuples(index=False, name=None)
    if absent := [place for place in places if place not in seen]:
        raise InputError(
            f"{len(absent)} locations of {CROPS_FILE} are in no split of {SPLITS_FILE}, the first is "
            f"{'/'.join(absent[0])}. Take both files from one run."
        )


def _marked_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    columns = (marked(_series(names)) for names in zip(*pairs, strict=True))
    return list(zip(*columns, strict=True))


def _unmarked_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    columns = (unmarked(_series(names)) for names in zip(*pairs, strict=True))
    return list(zip(*columns, strict=True))


def _written(labels: Iterable[str]) -> "pd.Series[str]":
    return marked(_without_commas(_series(labels)))


def _without_commas(labels: pd.Series) -> pd.Series:
    """The classes with %2C for a comma, and with %25 for a percent sign where it could be taken for the like."""
    return labels.map(
        {
            label: label.replace("%", "%25").replace(",", "%2C") if "," in label or "%2" in label else label
            for label in labels.unique()
        }
    )


def with_commas(labels: pd.Series) -> pd.Series:
    """The classes as they were before their commas were written as %2C."""
    return labels.map({label: label.replace("%2C", ",").replace("%25", "%") for label in labels.unique()})


def _series(texts: Iterable[str]) -> "pd.Series[str]":
    return pd.Series(list(texts), dtype=str)


def _write_json(content: Mapping[str, Any], path: Path) -> None:
    # in ASCII, since CameraTraps opens it in the encoding of the machine
    path.write_text(json.dumps(content, indent=1), encoding="ascii")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}), expected CameraTraps' {path.name}.") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
