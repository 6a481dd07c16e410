"""The rule that makes an image's key in the archive of its record."""

import re
from collections.abc import Mapping
from typing import Any

from animl_kedro.formats.text import read_text

FIELD = re.compile(r"\{(\w+)\}")


class KeyRule:
    """A text in which ``{field}`` stands for that field of an image's record.

    Animl's rule is ``{serving_bucket_key}``, LILA's ``{file_name}``; a mirror may need ``original/{id}.jpg``.
    Raises ValueError where a brace is none of a field's, or no field is named.
    """

    def __init__(self, template: str) -> None:
        pieces = FIELD.split(template)
        self.fields = tuple(pieces[1::2])
        self._texts = tuple(pieces[::2])
        self._only_field = self.fields[0] if pieces == ["", *self.fields, ""] else None
        if not self.fields or any(brace in text for text in self._texts for brace in "{}"):
            raise ValueError(f"the key rule {template!r} is not a text with fields like {{serving_bucket_key}}")
        self.template = template

    def key_of(self, record: Mapping[str, Any]) -> str | None:
        """The key, or None where the record lacks a field."""
        if self._only_field is not None:
            return read_text(record.get(self._only_field))
        values = [read_text(record.get(field)) for field in self.fields]
        if None in values:
            return None
        return self._texts[0] + "".join(f"{value}{text}" for value, text in zip(values, self._texts[1:], strict=True))

    def __repr__(self) -> str:
        return f"KeyRule({self.template!r})"
