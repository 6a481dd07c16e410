"""What a run tells of itself without telling of the machine and the person: no secret, no home, no host."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import BaseModel

HOST_PARAMETERS = ("main_address",)
"""Parameters that name a machine and change no result."""

_HOST_URL = re.compile(r"^(tcp|tls|ws|wss)://.*", re.DOTALL)
"""Addresses of schedulers."""

_LOGIN = re.compile(r"(?<=://)[^/@]*@")
_QUERY = re.compile(r"(?<=://)([^?\s]*)\?.*", re.DOTALL)
"""What may hold a key in an address: the login, and the query of one that is signed."""

SHOWN_CREDENTIALS = ("profile_name", "profile", "region", "region_name", "endpoint_url")
"""What stands among credentials and is no secret; it may be a word of the project's own."""

MIN_SECRET_LENGTH = 4
"""A shorter text is no secret, and taking it out would spoil words that have it in them."""


def secrets_in(credentials: Any) -> set[str]:
    """The texts in credentials.yml that may be secret."""
    return set(_texts(credentials))


def _texts(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(part, str(key))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part, name)
    elif isinstance(value, str) and len(value) >= MIN_SECRET_LENGTH and name not in SHOWN_CREDENTIALS:
        yield value


def publishable(value: Any, project: Path, secrets: Collection[str] = ()) -> Any:
    """A value as JSON, without secrets, logins and hosts.

    Paths are relative to the project, and those of files elsewhere their names alone.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {
            _text(str(name), project, secrets): publishable(part, project, secrets)
            for name, part in value.items()
            if name not in HOST_PARAMETERS
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [publishable(part, project, secrets) for part in value]
    if isinstance(value, Enum):
        return publishable(value.value, project, secrets)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    return _text(str(value), project, secrets)


def _text(text: str, project: Path, secrets: Collection[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _HOST_URL.sub(r"\1://…", text)
    text = _QUERY.sub(r"\1", _LOGIN.sub("", text))
    return _path(text.removeprefix("file://"), project)


def _path(text: str, project: Path) -> str:
    """An absolute path as one below the project, or as the name of its file."""
    if not (PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute() or text.startswith("~")):
        return text
    if PurePosixPath(text).is_relative_to(project):
        return str(PurePosixPath(text).relative_to(project))
    return f"…/{PureWindowsPath(text).name}"  # which knows both kinds of slashes
