"""Some images of a folder or an archive, chosen by a table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

import pandas as pd
from PIL.Image import Image

from animl_kedro.errors import InputError

Key = TypeVar("Key")


class ImageSelection(Mapping[str, Image], Generic[Key]):
    """The images of a table's rows by their ids, in the table's order, each opened when it is asked for.

    Nothing is contacted before that: length, order and ``in`` are the table's, whether or not a file is there. What a
    folder or an archive raises where an image cannot be had, the selection raises too. It can be pickled.
    """

    def __init__(self, open_key: Callable[[Key], Image], keys: Iterable[tuple[str, Key]]) -> None:
        self._open = open_key
        self._keys = dict(keys)

    def __getitem__(self, image_id: str) -> Image:
        if image_id not in self._keys:
            raise KeyError(f"{image_id!r} is none of the {len(self)} that the table chose")
        return self._open(self._keys[image_id])

    def __contains__(self, image_id: object) -> bool:
        """Whether a row of the table has this id; no file is looked for."""
        return image_id in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"ImageSelection of {len(self)} images"


def column_of(table: pd.DataFrame, name: str) -> list[str]:
    """A table's column as a list. Raises InputError where it has none of this name."""
    if name not in table:
        raise InputError(
            f"Images are chosen by the column {name!r}, and the table has none; it has "
            f"{', '.join(map(repr, table.columns)) or 'no columns'}."
        )
    return table[name].tolist()
