"""COCO Camera Traps (CCT): the export of Animl and the labels of LILA BC.

Source: https://github.com/agentmorris/MegaDetector, data_management/README.md ("COCO Camera Traps format").
"""

import codecs
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from animl_kedro.errors import InputError

EMPTY_LABEL = "empty"
"""Animl's label of an image without an animal; its box, the whole frame, is not one."""

NOT_JSON = re.compile(
    r"""
    (?P<string> "(?:[^"\\]|\\.)*"? )
    | (?P<constant> -?(?:NaN|Infinity) )
    | (?P<number> -?\d+(?:\.\d*)?[eE][+-]?\d+ | -?\d{300,} )
    | -?(?:N|Na|I|In|Inf|Infi|Infin|Infini|Infinit)\Z
    """,
    re.DOTALL | re.VERBOSE,
)
"""Strings, and outside of them what Python writes for numbers that JSON does not have; the last may be cut off."""

ESCAPE = re.compile(
    r"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)
"""What a backslash begins in a string: the two halves of an emoji, one alone, or anything else."""

LONGEST_CHARACTER = 4
"""Bytes of a character in UTF-8, of which the first ones may be the end of a file that was cut off."""

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
        text = _as_json(_decoded(data, name, error))
        try:
            content = orjson.loads(text)
        except orjson.JSONDecodeError as second_error:
            return _whole_part(text, len(data), name, second_error)
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


def _decoded(data: bytes, name: str, error: orjson.JSONDecodeError) -> str:
    """The text, without a character that its end has divided. Raises InputError where it is not UTF-8, or blank."""
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        if fault.start < len(data) - LONGEST_CHARACTER or fault.reason != "unexpected end of data":
            raise _not_json(name, error) from error
        text = data[: fault.start].decode()
    if not text.strip():
        raise InputError(f"{name} is empty, expected a COCO Camera Traps export in JSON.") from error
    return text


def _as_json(text: str) -> str:
    """The text with what Python and JavaScript write but JSON does not know mended: NaN, and halves of an emoji."""

    def mended(match: re.Match[str]) -> str:
        if string := match["string"]:
            return ESCAPE.sub(lambda escape: "\\ufffd" if escape["half"] else escape[0], string)
        if number := match["number"]:
            return "null" if math.isinf(float(number)) else number
        return "null" if match["constant"] else "nul"  # of which more was to come

    return NOT_JSON.sub(mended, text)


def _not_json(name: str, error: orjson.JSONDecodeError) -> InputError:
    return InputError(f"{name} is not JSON ({error}), expected a COCO Camera Traps export.")


def _whole_part(text: str, length: int, name: str, error: orjson.JSONDecodeError) -> CctExport:
    """What is whole in a text that was cut off. Raises InputError where something else is wrong with it."""
    if error.pos < len(text) or not text.lstrip().startswith("{"):
        raise _not_json(name, error) from error
    whole = _whole_records(text.encode())
    counts = " and ".join(f"{_length(whole.get(part)):,} whole {part}" for part in PARTS[:2])
    return _export_of(whole, f"{name} is cut off after {length:,} bytes, with {counts}")


def _length(part: Any) -> int:
    return len(part) if isinstance(part, list) else 0


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
