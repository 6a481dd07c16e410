"""Predictions of an earlier classifier, or of another one, for the same crops.

They come as `Predictions` in Parquet; as CSV with the same columns, of which split and label may be absent; or as
``outputs_test.csv.gz`` of CameraTraps' evaluate_model.py, with the columns path, label, weight and one for each class.

Source: https://github.com/agentmorris/MegaDetector, megadetector/classification/evaluate_model.py.
"""

import re
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.formats.camera_traps_classification import with_commas
from animl_kedro.formats.pandas_text import unmarked
from animl_kedro.formats.spreadsheet_text import restored
from animl_kedro.tables import PROBABILITY_PREFIX, Split

OUTPUTS_OF_SPLIT = re.compile(r"outputs_(train|val|test)\.csv(\.gz)?")
"""CameraTraps' names for its files, one for each split."""

TEXTS = ("crop_id", "split", "label")
EXPECTED = (
    f"expected a Parquet or CSV file with the columns crop_id and {PROBABILITY_PREFIX}<class>, or CameraTraps' "
    "outputs_test.csv.gz with path, label, weight and a column for each class"
)


@dataclass(frozen=True)
class EarlierPredictions:
    """What an earlier classifier said: crop_id, split, label and a probability for every class.

    ``split`` and ``label`` are missing where it is not known. ``source`` is where the table was read from, empty where
    there is no earlier classifier, and the table is then too.
    """

    table: pd.DataFrame
    source: str


NO_EARLIER_PREDICTIONS = EarlierPredictions(pd.DataFrame({name: pd.Series(dtype="str") for name in TEXTS}), "")


def read_earlier_predictions(path: Path, source: str) -> EarlierPredictions:
    """Read a file of one of the formats.

    Raises InputError where it is absent, is of no such format, or has a crop twice, an unknown split, or a probability
    that is not from 0 to 1.
    """
    try:
        table = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    except (OSError, EOFError, zlib.error) as error:  # the latter of gzip files that are cut off or damaged
        raise InputError(f"{source} cannot be read ({error}): {EXPECTED}.") from error
    except (ValueError, pd.errors.ParserWarning) as error:  # what pandas and pyarrow say of files of other kinds
        raise InputError(f"{source} cannot be read as a table ({error}): {EXPECTED}.") from error
    _check(table, source)
    return EarlierPredictions(table, source)


def _read_parquet(path: Path) -> pd.DataFrame:
    table = pd.read_parquet(path)
    return _in_order(table, [str(name) for name in table if str(name).startswith(PROBABILITY_PREFIX)])


def _read_csv(path: Path) -> pd.DataFrame:
    """Read either CSV: texts as they are, and columns by their place, since pandas gives two of one name other ones."""
    header = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0].tolist()
    texts = [place for place, name in enumerate(header) if name in ("path", *TEXTS) and place < len(TEXTS)]
    options: dict[str, Any] = {"header": None, "skiprows": 1, "index_col": False, "na_filter": False}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # of rows that are longer than the header
        cells: pd.DataFrame = pd.read_csv(path, names=range(len(header)), dtype=dict.fromkeys(texts, str), **options)
    if header[:2] == ["path", "label"]:
        return _of_camera_traps(cells, header, path.name)
    table = cells.set_axis(header, axis="columns")
    return restored(_in_order(table, [name for name in header if name.startswith(PROBABILITY_PREFIX)]))


def _of_camera_traps(cells: pd.DataFrame, header: Sequence[str], name: str) -> pd.DataFrame:
    first_class = 3 if header[2:3] == ["weight"] else 2
    classes = with_commas(unmarked(pd.Series(header[first_class:], dtype="str")))
    table = cells.iloc[:, first_class:].set_axis([PROBABILITY_PREFIX + label for label in classes], axis="columns")
    found = OUTPUTS_OF_SPLIT.fullmatch(name)
    table = table.assign(crop_id=cells[0], label=with_commas(unmarked(cells[1])), split=found[1] if found else "")
    return _in_order(table, [PROBABILITY_PREFIX + label for label in classes])


def _in_order(table: pd.DataFrame, probabilities: Sequence[str]) -> pd.DataFrame:
    """The known columns alone, with split and label missing where there is no text."""
    if "crop_id" not in table or not probabilities:
        raise ValueError(f"it has the columns {', '.join(map(str, table.columns[:5]))}, …")
    if twice := sorted({name for name in probabilities if list(probabilities).count(name) > 1}):
        raise ValueError(f"it has two columns {twice[0]}")
    texts = {name: table[name] if name in table else pd.Series("", index=table.index) for name in TEXTS}
    known = {name: texts[name].astype("str").replace("", None) for name in ("split", "label")}
    return pd.DataFrame({"crop_id": texts["crop_id"].astype("str"), **known, **table[list(probabilities)]})


def _check(table: pd.DataFrame, source: str) -> None:
    twice = table.loc[table["crop_id"].duplicated(), "crop_id"]
    if len(twice):
        raise InputError(f"{source} has {twice.iloc[0]!r} twice: expected one row a crop. {len(twice)} are too many.")
    unknown = sorted(set(table["split"].dropna()) - set(Split))
    if unknown:
        raise InputError(f"{source} has the split {unknown[0]!r}: expected {', '.join(Split)}, or nothing.")
    for name in table.columns[len(TEXTS) :]:
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
        faults = np.flatnonzero(~((values >= 0) & (values <= 1)))
        if len(faults):
            raise InputError(
                f"{source} has {table[name].iloc[faults[0]]!r} in {name} for the crop "
                f"{table['crop_id'].iloc[faults[0]]!r}: expected probabilities, from 0 to 1."
            )
