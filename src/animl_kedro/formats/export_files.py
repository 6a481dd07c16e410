"""Export files as they lie on a disk: JSON, plain or compressed, and Camtrap DP packages, as folders or zipped.

What a file is, its first bytes tell, not its name.
"""

import hashlib
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
from animl_kedro.formats.unpacking import GZIP_MAGIC, MAX_BYTES, too_large, unpack_gzip

ZIP_MAGIC = b"PK\x03\x04"
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Ways of packing that are unpacked piece by piece; with others, a small file can fill the memory at once."""

PACKAGE = "datapackage.json"
TABLE_SUFFIXES = (".csv", ".csv.gz")


def read_export_file(path: Path, max_bytes: int = MAX_BYTES) -> CctExport:
    """Read an export: COCO Camera Traps as ``.json``, ``.json.gz`` or ``.zip``, or a Camtrap DP package.

    A package is a folder, its ``datapackage.json``, or a ``.zip``. Raises InputError where the file is absent, damaged,
    none of these, or unpacks to more than `max_bytes`.
    """
    if path.name == PACKAGE:
        path = path.parent
    if path.is_dir():
        return read_camtrap_dp(_folder_reader(path), str(path), max_bytes)
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"There is no export at {path}. Export the labels from Animl as COCO and put the file there, or set its "
            "`filepath:` under animl_export in conf/local/catalog.yml."
        ) from None
    except OSError as error:
        raise InputError(f"The export {path} cannot be read: {error.strerror}.") from error
    if data.startswith(GZIP_MAGIC):
        return _read_gzip(data, str(path), max_bytes)
    if data.startswith(ZIP_MAGIC):
        return _read_zip(data, str(path), max_bytes)
    return parse_cct(data, str(path))


def export_checksum(path: Path) -> str:
    """SHA-256 of an export's file in hexadecimal; of a package, of its tables and description together.

    Raises OSError where it is absent or cannot be read.
    """
    if path.name == PACKAGE:
        path = path.parent
    if not path.is_dir():
        return _sha256(path)
    parts = sorted(file for file in path.iterdir() if file.name == PACKAGE or file.name.endswith(TABLE_SUFFIXES))
    return hashlib.sha256("".join(f"{part.name} {_sha256(part)}\n" for part in parts).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_reader(folder: Path) -> Callable[[str], bytes]:
    def read(member: str) -> bytes:
        try:
            return inside(folder, member).read_bytes()
        except (IsADirectoryError, NotADirectoryError):
            raise FileNotFoundError(member) from None

    return read


def _read_gzip(data: bytes, name: str, max_bytes: int) -> CctExport:
    """Unpack and parse; a file that was cut off gives what can be unpacked of it."""
    plain, whole = unpack_gzip(data, name, max_bytes)
    export = parse_cct(plain, name)
    if whole or export.cut_off:
        return export
    return replace(export, cut_off=f"{name} is cut off, though all of its records seem to be whole")


def _read_zip(data: bytes, name: str, max_bytes: int) -> CctExport:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_members(archive, name, max_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise InputError(f"{name} is not a whole zip file ({error}): fetch or export it again.") from error
    except (RuntimeError, NotImplementedError) as error:  # a password, a method that is not known
        raise InputError(f"{name} cannot be unpacked ({error}): unpack it, and name the file in it.") from error


def _read_members(archive: zipfile.ZipFile, name: str, max_bytes: int) -> CctExport:
    if sum(member.file_size for member in archive.infolist()) > max_bytes:
        raise too_large(name, max_bytes)
    members = {PurePosixPath(member.filename): member for member in archive.infolist() if not member.is_dir()}
    members = {path: member for path, member in members.items() if path.parts and path.parts[0] != "__MACOSX"}
    packages = [path for path in members if path.name == PACKAGE]
    exports = packages or [path for path in members if path.suffix.lower() == ".json"]
    if len(exports) != 1:
        held = ", ".join(sorted(map(str, members))[:5]) or "nothing"
        kind = f"{PACKAGE} files" if packages else "JSON files"
        raise InputError(
            f"{name} holds {len(exports)} {kind}, expected one export or a {PACKAGE} (it holds {held}). "
            "Unpack it, and name the file that is the export."
        )
    if packages:
        return read_camtrap_dp(_member_reader(archive, members, packages[0].parent, name, max_bytes), name, max_bytes)
    data = _unpack_member(archive, members[exports[0]], name, max_bytes)
    return parse_cct(data, f"{name}, {exports[0]}")


def _member_reader(
    archive: zipfile.ZipFile,
    members: dict[PurePosixPath, zipfile.ZipInfo],
    folder: PurePosixPath,
    name: str,
    max_bytes: int,
) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        member = members.get(folder / path)
        if member is None:
            raise FileNotFoundError(path)
        return _unpack_member(archive, member, name, max_bytes)

    return read


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, max_bytes: int) -> bytes:
    """The bytes of a file in a zip, which may say that there are fewer than there are."""
    if member.compress_type not in ZIP_METHODS:
        raise NotImplementedError(f"{member.filename} is not packed by the usual method, deflate")
    with archive.open(member) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise too_large(name, max_bytes)
    return data
