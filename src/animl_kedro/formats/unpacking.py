"""Compressed files from outside, unpacked within limits."""

import zlib

from animl_kedro.errors import InputError

MAX_BYTES = 8 * 1024**3
"""What a compressed file may hold: the largest of LILA's exports, of seven million images, unpacks to 3 GB."""

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31  # zlib's number for gzip's header with the largest window


def unpack_gzip(data: bytes, name: str, max_bytes: int) -> tuple[bytes, bool]:
    """What can be unpacked of a gzip file, and whether that is all of it.

    Raises InputError where it is damaged, or unpacks to more than `max_bytes`.
    """
    parts: list[bytes] = []
    whole = False
    while data.startswith(GZIP_MAGIC):
        unpacker = zlib.decompressobj(GZIP_WINDOW)
        try:
            parts.append(unpacker.decompress(data, max_bytes + 1))
        except zlib.error as error:
            raise InputError(f"{name} cannot be unpacked ({error}): fetch or export it again.") from error
        if sum(map(len, parts)) > max_bytes:
            raise too_large(name, max_bytes)
        whole, data = unpacker.eof, unpacker.unused_data
    return b"".join(parts), whole


def too_large(name: str, max_bytes: int) -> InputError:
    """The error for a file that unpacks to more than it may."""
    return InputError(f"{name} unpacks to more than {max_bytes:,} bytes, which no export does: is it the right file?")
