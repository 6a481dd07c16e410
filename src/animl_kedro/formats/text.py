"""Ids and names of records, which exports write as text or as numbers."""

from typing import Any


def read_text(value: Any) -> str | None:
    """An id or a name as text: exports write some of them as numbers. None where there is no such thing."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) is int else None  # not bool, which isinstance takes for an int
