"""Exports of labels, wherever they lie."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from animl_kedro.datasets.input_file import InputFile
from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.export_files import PACKAGE, export_checksum, read_export_file


def read_export(file: InputFile) -> tuple[CctExport, str]:
    """The records of an export, and its checksum. Raises InputError where it is absent or is none of the formats."""
    with _at_hand(file) as path:
        records = read_export_file(path)
        cut_off = records.cut_off and records.cut_off.replace(str(path), file.address)
        return replace(records, cut_off=cut_off), export_checksum(path)


def checksum_of(file: InputFile) -> str:
    """SHA-256 of an export. Raises OSError where it is absent."""
    with _at_hand(file) as path:
        return export_checksum(path)


@contextmanager
def _at_hand(file: InputFile) -> Iterator[Path]:
    """An export as a path of this machine. Raises InputError for a package that lies in a store as a folder."""
    if file.path is None and file.name == PACKAGE:
        raise InputError(
            f"{file.address} is of a Camtrap DP package that is a folder in a store, expected a file with all of it: "
            "pack the folder into a .zip and name that, or put it on this machine."
        )
    with file.at_hand() as path:
        yield path
