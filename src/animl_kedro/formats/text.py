"""Ids and names of records, which exports write as text or as numbers."""

from typing import Any

from animl_kedro.errors import InputError


def read_text(value: Any) -> str | None:
    """An id or a name as text: exports write some of them as numbers. None where there is no such thing."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) is int else None  # not bool, which isinstance takes for an int


def shown(value: Any, length: int = 100) -> str:
    """A value from outside as a message shows it: not at length, and not where it is nested deeper than Python goes."""
    try:
        return repr(value)[:length]
    except RecursionError:
        return f"a {type(value).__name__} of many levels"


def decoded_table(data: bytes, source: str) -> str:
    """The text of a small file that a person wrote, perhaps in Excel. Raises InputError where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")  # with or without the byte order mark that Excel writes
    except UnicodeDecodeError as error:
        raise InputError(f"{source} is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8.") from error
