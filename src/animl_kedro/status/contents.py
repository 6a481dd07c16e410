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
        from pyarrow.parquet import read_metadata  # noqa: PLC0415 - a command that counts nothing need not wait for it

        (path,) = holding.files
        if isinstance(holding.place, LocalPlace):
            return f"{read_metadata(holding.place.root / path).num_rows:,} {noun}"
        if holding.bytes > MAX_REMOTE_BYTES:
            return noun
        return f"{read_metadata(BytesIO(holding.place.read(path))).num_rows:,} {noun}"

    return count


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
    "image_files": _rows("in the manifest of files"),
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
