"""The ledger of a crop folder: what is known of each of its files, so that a rerun need not open them.

It is a file beside the crops, written whole from time to time and at the end of a run. Crops that a killed run made
after it was last written are told by the notes in their files.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.crop_files import Note
from animl_kedro.places import FileStat

LEDGER = ".crops.json"


class Entry(NamedTuple):
    """What is known of a crop: its note, and its file's size and time when it was written."""

    note: Note
    stat: FileStat


def read_ledger(crop_folder: ImageFolder) -> dict[str, Entry]:
    """The entries by crop_id; none where there is no ledger, or where it is damaged."""
    try:
        told = orjson.loads(crop_folder.read(LEDGER))
        return {crop_id: _entry(*parts) for crop_id, parts in told.items()}
    except (OSError, ValueError, TypeError, AttributeError, IndexError):
        return {}


def write_ledger(crop_folder: ImageFolder, entries: Mapping[str, Entry]) -> None:
    """Write the ledger, in the place of the one that is there."""
    crop_folder.write(LEDGER, orjson.dumps({crop_id: _parts(*entry) for crop_id, entry in entries.items()}))


def _parts(note: Note, stat: FileStat) -> list[Any]:
    return [note.fingerprint, list(note.box), note.image_size, note.size, *stat]


def _entry(fingerprint: Any, box: Any, image_size: Any, size: Any, file_bytes: Any, modified_ns: Any) -> Entry:
    if not (isinstance(fingerprint, str) and isinstance(file_bytes, int) and isinstance(modified_ns, int)):
        raise TypeError("not an entry")
    return Entry(Note.of(fingerprint, box, image_size, size), FileStat(file_bytes, modified_ns))
