"""COCO Camera Traps (CCT): the export of Animl and the labels of LILA BC.

Source: https://github.com/agentmorris/MegaDetector, data_management/README.md ("COCO Camera Traps format").
"""

import codecs
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from animl_kedro.errors import InputError

EMPTY_LABEL = "empty"
"""Animl's label of an image without an animal; its box, the whole frame, is not one."""

LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)

DIGITS_OF_64_BITS = 19

PARTS = ("images", "annotations", "categories")

MAX_OPEN_OBJECTS = 20
"""Objects that the record which was cut off may hold, before a search for the last whole record is given up."""


@dataclass(frozen=True)
class CctExport:
    """An export as it was read: its records are still whatever the file held, unchecked.

    ``cut_off`` says what is whole in a file whose end is missing; the records are those, and there may be no
    categories, which Animl writes last.
    """

    images: Sequence[Any]
    annotations: Sequence[Any]
    categories: Sequence[Any]
    info: Mapping[str, Any]
    cut_off: str | None = None


def parse_cct(data: bytes, name: str) -> CctExport:
    """Parse the bytes of an export; `name` is what error messages call it.

    A file that was cut off gives its whole records. Raises InputError where it is not JSON, or lacks one of the parts
    of the format.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        content = _loads_leniently(data)
        if content is None:
            return _whole_part(data, name, error)
    if not isinstance(content, dict):
        raise InputError(f"{name} holds a JSON {type(content).__name__}, expected an object with {', '.join(PARTS)}.")
    if absent := [part for part in PARTS if not isinstance(content.get(part), list)]:
        raise InputError(
            f"{name} has no list of {' and '.join(absent)}; it holds {', '.join(map(repr, content)) or 'nothing'}. "
            "Expected a COCO Camera Traps export: export it from Animl again."
        )
    return _export_of(content)


def _export_of(content: Mapping[str, Any], cut_off: str | None = None) -> CctExport:
    """The lists that are there; others count as empty."""
    images, annotations, categories = (part if isinstance(part := content.get(name), list) else [] for name in PARTS)
    info = content.get("info")
    return CctExport(images, annotations, categories, info if isinstance(info, dict) else {}, cut_off)


def _loads_leniently(data: bytes) -> Any:
    """Parse what Python and JavaScript write but JSON does not know, or None: NaN, and halves of an emoji."""
    try:
        text = LONE_SURROGATE.sub(r"\\ufffd", data.decode("utf-8"))
        return json.loads(text, parse_constant=lambda _: None, parse_int=_as_orjson_reads_it)
    except (ValueError, RecursionError):
        return None


def _as_orjson_reads_it(digits: str) -> float:
    """A whole number, or a fraction where it takes more than 64 bits: nobody expects such an integer."""
    return int(digits) if len(digits) < DIGITS_OF_64_BITS else float(digits)


def _whole_part(data: bytes, name: str, error: orjson.JSONDecodeError) -> CctExport:
    """What is whole in a file that was cut off. Raises InputError where something else is wrong with it."""
    if not data.strip():
        raise InputError(f"{name} is empty, expected a COCO Camera Traps export in JSON.") from error
    if not _is_cut_off(data):
        raise InputError(f"{name} is not JSON ({error}), expected a COCO Camera Traps export.") from error
    whole = _whole_records(data)
    counts = " and ".join(f"{_length(whole.get(part)):,} whole {part}" for part in PARTS[:2])
    return _export_of(whole, f"{name} is cut off after {len(data):,} bytes, with {counts}")


def _length(part: Any) -> int:
    return len(part) if isinstance(part, list) else 0


def _is_cut_off(data: bytes) -> bool:
    """Whether nothing is wrong but that the end is missing, which may begin in the middle of a character."""
    text = data.decode(errors="ignore")
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return error.pos >= len(text)
    return False


def _whole_records(data: bytes) -> dict[str, Any]:
    """What is whole in a file that was cut off within a list of records."""
    end = len(data)
    for _ in range(MAX_OPEN_OBJECTS):
        end = data.rfind(b"}", 0, end)
        if end < 0:
            break
        for closing in (b"]}", b"}"):
            try:
                content = orjson.loads(data[: end + 1] + closing)
            except orjson.JSONDecodeError:
                continue
            return content if isinstance(content, dict) else {}
    return {}
