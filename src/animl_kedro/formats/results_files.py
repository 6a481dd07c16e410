"""Files of MegaDetector results from others: JSON, plain, gzipped or zipped, of any version of the format."""

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import orjson

from animl_kedro.errors import InputError
from animl_kedro.formats.export_files import ZIP_MAGIC, ZIP_METHODS
from animl_kedro.formats.megadetector import Results
from animl_kedro.formats.unpacking import GZIP_MAGIC, MAX_BYTES, too_large, unpack_gzip


def read_results_file(path: Path, max_bytes: int = MAX_BYTES) -> Results:
    """Read results of any version of the format; only that they hold images with file names is checked.

    What the file is, its first bytes tell. Raises InputError where it is absent, damaged, no such results, or unpacks
    to more than `max_bytes`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"The MegaDetector results {path} cannot be read: {error.strerror}.") from error
    if data.startswith(GZIP_MAGIC):
        data = _gunzip(data, path, max_bytes)
    elif data.startswith(ZIP_MAGIC):
        data = _unzip(data, path, max_bytes)
    try:
        results = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON, and so no MegaDetector results: {error}.") from error
    if not _is_results(results):
        raise InputError(
            f"{path} holds no MegaDetector results: expected an object with a list of images with a `file`, and "
            "objects as `info` and `detection_categories` where there are any."
        )
    return results  # type: ignore[no-any-return]


def _is_results(results: Any) -> bool:
    if not isinstance(results, dict) or not isinstance(images := results.get("images"), list):
        return False
    if not all(isinstance(results.get(name) or {}, dict) for name in ("info", "detection_categories")):
        return False
    return all(isinstance(image, dict) and isinstance(image.get("file"), str) for image in images)


def _gunzip(data: bytes, path: Path, max_bytes: int) -> bytes:
    plain, whole = unpack_gzip(data, str(path), max_bytes)
    if not whole:
        raise InputError(f"{path} is cut off: fetch it again.")
    return plain


def _unzip(data: bytes, path: Path, max_bytes: int) -> bytes:
    """The one JSON file in a zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json") and not name.startswith("__MACOSX/")]
            if len(names) != 1:
                raise InputError(
                    f"{path} holds {len(names)} JSON files, expected one: unpack it, and name the right one."
                )
            member = archive.getinfo(names[0])
            if member.compress_type not in ZIP_METHODS:
                raise InputError(
                    f"{path} is not packed by the usual method, deflate: unpack it, and name the file in it."
                )
            with archive.open(member) as file:  # which may be longer than it says
                plain = file.read(max_bytes + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} cannot be unpacked ({error}): fetch it again, or unpack it.") from error
    if len(plain) > max_bytes:
        raise too_large(str(path), max_bytes)
    return plain
