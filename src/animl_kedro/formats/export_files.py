"""Export files as they lie on a disk: JSON, plain or compressed, and Camtrap DP packages, as folders or zipped.

What a file is, its first bytes tell, not its name.
"""

import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from animl_kedro.errors import InputError
from animl_kedro.files import inside
from animl_kedro.formats.camtrap_dp import read_camtrap_dp
from animl_kedro.formats.coco_camera_traps import CctExport, parse_cct

MAX_BYTES = 8 * 1024**3
"""What a compressed export may hold: the largest of LILA's, of seven million images, unpacks to 3 GB."""

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
GZIP_WINDOW = 31  # zlib's number for gzip's header with the largest window
PACKAGE = "datapackage.json"


def read_export_file(path: Path, max_bytes: int = MAX_BYTES) -> CctExport:
    """Read an export: COCO Camera Traps as ``.json``, ``.json.gz`` or ``.zip``, or a Camtrap DP package.

    A package is a folder, its ``datapackage.json``, or a ``.zip``. Raises InputError where the file is absent, damaged,
    none of these, or unpacks to more than `max_bytes`.
    """
    if path.name == PACKAGE:
        path = path.parent
    if path.is_dir():
        return _read_folder(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"There is no export at {path}. Export the labels from Animl as COCO and put the file there, or set its "
            "`filepath:` under animl_export in conf/local/catalog.yml."
        ) from None
    if data.startswith(GZIP_MAGIC):
        return _read_gzip(data, str(path), max_bytes)
    if data.startswith(ZIP_MAGIC):
        return _read_zip(data, str(path), max_bytes)
    return parse_cct(data, str(path))


def _read_folder(folder: Path) -> CctExport:
    return read_camtrap_dp(lambda member: inside(folder, member).read_bytes(), str(folder))


def _read_gzip(data: bytes, name: str, max_bytes: int) -> CctExport:
    """Unpack and parse; a file that was cut off gives what can be unpacked of it."""
    parts: list[bytes] = []
    whole = False
    while data.startswith(GZIP_MAGIC):
        unpacker = zlib.decompressobj(GZIP_WINDOW)
        try:
            parts.append(unpacker.decompress(data, max_bytes + 1))
        except zlib.error as error:
            raise InputError(f"{name} cannot be unpacked ({error}): fetch or export it again.") from error
        if sum(map(len, parts)) > max_bytes:
            raise _too_large(name, max_bytes)
        whole, data = unpacker.eof, unpacker.unused_data
    export = parse_cct(b"".join(parts), name)
    if whole or export.cut_off:
        return export
    return replace(export, cut_off=f"{name} is cut off, though all of its records seem to be whole")


def _read_zip(data: bytes, name: str, max_bytes: int) -> CctExport:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > max_bytes:
                raise _too_large(name, max_bytes)
            return _read_members(archive, name)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(f"{name} is not a whole zip file ({error}): fetch or export it again.") from error
    except (RuntimeError, NotImplementedError) as error:  # a password, a method that Python does not know
        raise InputError(f"{name} cannot be unpacked ({error}): unpack it, and name the file in it.") from error


def _read_members(archive: zipfile.ZipFile, name: str) -> CctExport:
    members = [path for path in map(PurePosixPath, archive.namelist()) if path.parts and path.parts[0] != "__MACOSX"]
    if packages := [path for path in members if path.name == PACKAGE]:
        return read_camtrap_dp(_member_reader(archive, packages[0].parent), name)
    exports = [path for path in members if path.suffix == ".json"]
    if len(exports) != 1:
        held = ", ".join(sorted(map(str, members))[:5]) or "nothing"
        raise InputError(
            f"{name} holds {len(exports)} JSON files, expected one export or a {PACKAGE} (it holds {held}). "
            "Unpack it, and name the file that is the export."
        )
    return parse_cct(archive.read(str(exports[0])), f"{name}, {exports[0]}")


def _member_reader(archive: zipfile.ZipFile, folder: PurePosixPath) -> Callable[[str], bytes]:
    def read(member: str) -> bytes:
        try:
            return archive.read(str(folder / member))
        except KeyError:
            raise FileNotFoundError(f"{folder / member}") from None

    return read


def _too_large(name: str, max_bytes: int) -> InputError:
    return InputError(f"{name} unpacks to more than {max_bytes:,} bytes, which no export does: is it the right file?")
