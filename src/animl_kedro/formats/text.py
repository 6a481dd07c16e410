"""Ids and names of records, which exports write as text or as numbers."""

from typing import Any


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
