"""Files written whole, and paths from outside kept inside.

A file appears under its final name only when it is complete; a path that comes with the data never leads out of the
folder that it is joined to.
"""

import os
import random
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

TEMPORARY_SUFFIX = ".part"
TEMPORARY_NAME = re.compile(rf"\.[0-9a-f]{{12}}{re.escape(TEMPORARY_SUFFIX)}")
"""The names that `written_whole` gives, which nobody else does."""

_DEVICES = r"(con|prn|aux|nul|(com|lpt)[\d¹²³])"
_RESERVED_ON_WINDOWS = re.compile(rf"{_DEVICES}(\..*)?", re.IGNORECASE)
_PLAIN_NAME = rf"(?!{_DEVICES}([./]|$))[\w-][\w.-]*(?<!\.)"
_PLAIN = re.compile(rf"{_PLAIN_NAME}(/{_PLAIN_NAME})*", re.IGNORECASE | re.ASCII)
"""Paths of letters, digits and what cannot be at fault between them: nearly all, and so told apart in one go."""
_UNPORTABLE_CHARACTERS = re.compile(r'[<>:"|?*]')
_NEEDS_CHANGE = re.compile(rf"{_UNPORTABLE_CHARACTERS.pattern}|[. ](/|$)")
_UNSAFE_CHARACTERS = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')
MAX_NAME_BYTES = 255
"""What file systems allow for a name."""
_MAX_OUTSIDE_NAME_BYTES = 200
"""Names from outside are shorter, since the files that are made of theirs add to them."""
_MAX_PATH_BYTES = 1024
"""S3 allows no longer key, and Linux 4096 bytes for a path with the folder that it is joined to."""


def portable(path: str) -> str:
    """A relative path with an underscore for whatever some file system cannot keep in a name, and nothing else changed.

    Deployments are called "Prisoners' Ridge: cam 2", "why?" or "Tr."; their images must not be lost for that.
    """
    if _PLAIN.fullmatch(path) or not _NEEDS_CHANGE.search(path):
        return path
    names = (_UNPORTABLE_CHARACTERS.sub("_", name) for name in path.split("/"))
    return "/".join(f"{name[:-1]}_" if name.endswith((".", " ")) and name.strip(".") else name for name in names)


def fault_of_relative_path(path: str, max_name_bytes: int = _MAX_OUTSIDE_NAME_BYTES) -> str | None:
    """What makes a path from outside unfit to be joined to a folder, or None if nothing does.

    Refused are absolute paths, ``.`` and ``..``, drive letters, device names, names that end in a dot or a space,
    control characters and whatever else a common file system cannot keep.
    """
    if len(path) <= max_name_bytes and _PLAIN.fullmatch(path):
        return None
    if not path:
        return "the path is empty"
    if character := _UNSAFE_CHARACTERS.search(path):
        return f"the path has the character {character.group()!r}"
    if path.startswith("/"):
        return "the path is absolute"
    if fault := next(filter(None, (_fault_of_name(name, max_name_bytes) for name in path.split("/"))), None):
        return fault
    return f"the path is longer than {_MAX_PATH_BYTES} bytes" if len(path.encode()) > _MAX_PATH_BYTES else None


@lru_cache(maxsize=4096)  # most paths of an export share their folders
def _fault_of_name(name: str, max_bytes: int) -> str | None:
    if name in ("", ".", ".."):
        return f"the path has the part {name!r}"
    if _RESERVED_ON_WINDOWS.fullmatch(name):
        return f"the path has the device name {name!r}"
    if name[-1] in ". ":
        return f"the path's part {name!r} ends in a dot or a space"
    try:
        too_long = len(name.encode()) > max_bytes
    except UnicodeEncodeError:
        return "the path has a character that is not Unicode"
    return f"the path's part {name[:40]!r}… is longer than {max_bytes} bytes" if too_long else None


def inside(folder: Path, relative_path: str) -> Path:
    """Join a path that came with the data to a folder.

    Raises ValueError where the path could lead out of the folder.
    """
    if fault := fault_of_relative_path(relative_path):
        raise ValueError(f"{relative_path!r}: {fault}")
    return folder / relative_path


def temporary_name() -> str:
    """No secret, but a name that no other thread or process has: the generator is seeded anew in each."""
    return f".{random.getrandbits(48):012x}{TEMPORARY_SUFFIX}"


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, for a file or a folder.

    It is moved to `path` at the end, and removed where an error comes first.
    """
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(temporary_name())
    try:
        yield temporary
        os.replace(temporary, path)  # noqa: PTH105 - the atomic one, by its well-known name
    except BaseException:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)
        raise
