"""COCO Camera Traps (CCT): the export of Animl and the labels of LILA BC.

Source: https://github.com/agentmorris/MegaDetector, data_management/README.md ("COCO Camera Traps format").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from animl_kedro.errors import InputError

PARTS = ("images", "annotations", "categories")


@dataclass(frozen=True)
class CctExport:
    """An export as it was read: its records are still whatever the file held, unchecked."""

    images: Sequence[Any]
    annotations: Sequence[Any]
    categories: Sequence[Any]
    info: Mapping[str, Any]


def parse_cct(data: bytes, name: str) -> CctExport:
    """Parse the bytes of an export; `name` is what error messages call it.

    Raises InputError where it is not JSON, is cut off, or lacks one of the parts of the format.
    """
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InputError(_explain(data, name, error)) from error
    if not isinstance(content, dict):
        raise InputError(f"{name} holds a JSON {type(content).__name__}, expected an object with {', '.join(PARTS)}.")
    if absent := [part for part in PARTS if not isinstance(content.get(part), list)]:
        raise InputError(
            f"{name} has no list of {' and '.join(absent)}; it holds {', '.join(map(repr, content)) or 'nothing'}. "
            "Expected a COCO Camera Traps export: export it from Animl again."
        )
    info = content.get("info")
    return CctExport(
        images=content["images"],
        annotations=content["annotations"],
        categories=content["categories"],
        info=info if isinstance(info, dict) else {},
    )


def _explain(data: bytes, name: str, error: orjson.JSONDecodeError) -> str:
    if not data.strip():
        return f"{name} is empty, expected a COCO Camera Traps export in JSON."
    whole = _whole_records(data)
    if whole is None:
        return f"{name} is not JSON ({error}), expected a COCO Camera Traps export."
    counts = " and ".join(f"{len(whole.get(part, []))} whole {part}" for part in PARTS[:2])
    return (
        f"{name} is cut off after {len(data):,} bytes, with {counts}; exports of large projects can break off while "
        "they are written. Export it from Animl again, or export fewer images at a time."
    )


def _whole_records(data: bytes) -> dict[str, Any] | None:
    """What is whole in a file that was cut off within a list of records, or None if it is not such a file."""
    end = len(data)
    for _ in range(3):  # a record may hold an object of its own, cut in the middle
        end = data.rfind(b"}", 0, end)
        if end < 0:
            return None
        try:
            content = orjson.loads(data[: end + 1] + b"]}")
        except orjson.JSONDecodeError:
            continue
        return content if isinstance(content, dict) else None
    return None
