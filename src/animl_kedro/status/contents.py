"""What is in an entry's files in a few words: rows, classes, a score. Nothing large is read."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

from animl_kedro.places import LocalPlace
from animl_kedro.status.stock import Holding

MAX_REMOTE_BYTES = 16 * 2**20
"""Tables in a store that are larger are not fetched to count their rows."""


class UnreadableError(Exception):
    """A file is not what it must be, or cannot be had."""


def describe(name: str, holding: Holding) -> str:
    """The contents of an entry. Raises UnreadableError where a file is not what it must be."""
    try:
        return DESCRIPTIONS[name](holding) if name in DESCRIPTIONS else name
    except (ValueError, KeyError, TypeError, AttributeError, OSError, IndexError) as error:  # pyarrow's among them
        raise UnreadableError(f"{name} cannot be read ({type(error).__name__})") from error


def _rows(noun: str) -> Callable[[Holding], str]:
    def count(holding: Holding) -> str:
        far = not isinstance(holding.place, LocalPlace) and holding.bytes > MAX_REMOTE_BYTES
        return noun if far else f"{_metadata(holding).num_rows:,} {noun}"

    return count


def _files(holding: Holding) -> str:
    """Images with a file, and those without: the manifest's rows where the path is missing, as its statistics tell."""
    metadata = _metadata(holding)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = [group.column(number) for group in groups for number in range(group.num_columns)]
    absent = sum(column.statistics.null_count for column in columns if column.path_in_schema == "path")
    there = f"{metadata.num_rows - absent:,} files"
    return f"{there} ({absent:,} absent)" if absent else there


def _metadata(holding: Holding) -> Any:
    """The metadata of a Parquet file, which is at its end."""
    from pyarrow.parquet import read_metadata  # noqa: PLC0415 - a command that counts nothing need not wait for it

    (path,) = holding.files
    place = holding.place
    return read_metadata(place.root / path if isinstance(place, LocalPlace) else BytesIO(place.read(path)))


def _json(holding: Holding, suffix: str = ".json") -> Any:
    path = next(path for path in holding.files if path.endswith(suffix))
    return json.loads(holding.place.read(path))


def _classes(holding: Holding) -> str:
    return f"{len(_json(holding)):,} classes"


def _classifier(holding: Holding) -> str:
    if not any(path.endswith(".safetensors") for path in holding.files):
        raise ValueError("there are no weights")
    return f"a classifier ({_json(holding)['backbone']})"


def _score(holding: Holding) -> str:
    value = _json(holding)["test"]["means"]["macro"]
    value = value["average_precision"] if isinstance(value, dict) else value
    return "no score" if value is None else f"macro average precision {value:.3f}"


def _detections(holding: Holding) -> str:
    return "classified detections" if holding.bytes else "an empty file"


DESCRIPTIONS: dict[str, Callable[[Holding], str]] = {
    "images": _rows("images"),
    "annotations": _rows("labels"),
    "image_files": _files,
    "crops": _rows("crops"),
    "splits": _rows("crops in splits"),
    "label_index": _classes,
    "classifier": _classifier,
    "predictions": _rows("predictions"),
    "average_precision_json": _score,
    "report": lambda _: "the report",
    "inference_results": _detections,
}
"""How to tell what is in an entry that is shown."""
