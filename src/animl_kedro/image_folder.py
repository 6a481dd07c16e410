"""A folder of images, here or on a remote store, as a mapping that opens a file when it is asked for it."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import pandas as pd
from PIL.Image import Image

from animl_kedro.errors import InputError
from animl_kedro.files import MAX_NAME_BYTES, TEMPORARY_NAME, fault_of_relative_path
from animl_kedro.image_selection import ImageSelection, column_of
from animl_kedro.images import UnreadableImageError, open_image
from animl_kedro.places import ABSENT, FileStat, LocalPlace, Place

FIRST = 2000
"""Of how many images `ImageFolder.some` chooses."""

LOCK = ".lock"
"""The file in a folder that a run which writes into it holds."""


class ImageFolder(Mapping[str, Image]):
    """The images below a folder, by their relative path with forward slashes.

    ``folders`` names other places for some of the first folders in these paths, by their names. ``column`` is the one
    of tables that holds such paths. A path that could lead out of the folder is a ValueError in every method but
    ``in``. The folder can be pickled to other processes and machines, which find the same files there if the places are
    shared: then credentials travel with it. Where a remote store cannot be reached, or refuses, every method raises
    InputError.
    """

    def __init__(
        self, root: Path | Place, folders: Mapping[str, Path | Place] | None = None, *, column: str = "crop_id"
    ) -> None:
        self._root = _place(root)
        self._folders = {name: _place(folder) for name, folder in (folders or {}).items()}
        self._column = column

    def __str__(self) -> str:
        return str(self._root)

    def select(self, table: pd.DataFrame) -> ImageSelection[str]:
        """The images of a table's rows, a mapping in the table's order; nothing is opened before it is asked for.

        Raises InputError where the table lacks the column that names the images.
        """
        return ImageSelection(self.__getitem__, ((key, key) for key in column_of(table, self._column)))

    @property
    def root(self) -> Path:
        """The folder itself. Raises InputError where it is on a remote store."""
        return _local(self._root)

    @property
    def local_roots(self) -> list[Path]:
        """The folders of this machine that the images lie below, always in the same order."""
        places = [self._root, *self._folders.values()]
        folders = [place.root for place in places if isinstance(place, LocalPlace)]
        return sorted({folder for folder in folders if folder.is_dir()})

    def path_of(self, relative_path: str) -> Path:
        """Where an image is or would be kept. Raises InputError where that is on a remote store."""
        place, path = self._find(relative_path)
        return _local(place) / path

    def read(self, relative_path: str) -> bytes:
        """Give a file's bytes.

        Raises FileNotFoundError, NotADirectoryError or IsADirectoryError where it is absent, and another OSError where
        it cannot be read.
        """
        place, path = self._find(relative_path)
        return place.read(path)

    def write(self, relative_path: str, data: bytes) -> FileStat:
        """Write a file whole, over one that is there. Raises OSError where it cannot be written."""
        place, path = self._find(relative_path)
        return place.write(path, data)

    def stat(self, relative_path: str) -> FileStat | None:
        """Tell of a file, or None where there is none. Raises OSError where that cannot be told."""
        place, path = self._find(relative_path)
        return place.stat(path)

    def remove(self, relative_path: str) -> None:
        """Remove a file; that it is absent is no error. Raises OSError where it cannot be removed."""
        place, path = self._find(relative_path)
        place.remove(path)

    def stats(self) -> dict[str, FileStat]:
        """Tell of every image by one walk through the folder: see `__iter__` for what is left out."""
        found = {path: status for path, status in self._root.stats() if self._is_image(path)}
        for name, folder in self._folders.items():
            found |= {f"{name}/{path}": status for path, status in folder.stats() if _is_image(path)}
        return found

    def __getitem__(self, relative_path: str) -> Image:
        try:
            data = self.read(relative_path)
        except ABSENT:
            raise KeyError(f"there is no {relative_path!r} in {self}") from None
        except OSError as error:
            raise UnreadableImageError(f"cannot be read: {error.strerror}") from error
        return open_image(data)

    def __contains__(self, relative_path: object) -> bool:
        """Whether the file is there; it is not opened."""
        if not isinstance(relative_path, str) or fault_of_relative_path(relative_path, MAX_NAME_BYTES):
            return False
        return self.stat(relative_path) is not None

    def __iter__(self) -> Iterator[str]:
        """Give every image's path in order.

        Left out is what the pipelines note beside the images: dot-files of the folder itself, locks, and what killed
        runs left half written.
        """
        return iter(sorted(self._paths()))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def some(self, count: int) -> list[str]:
        """Paths of some images, from all over the first that a walk finds: of a million files, few are looked for.

        Raises InputError where the folder is on a remote store, which would list all of them.
        """
        for place in (self._root, *self._folders.values()):
            _local(place)
        first = sorted(islice(self._paths(), FIRST))
        return first[:: max(len(first) // count, 1)][:count]

    def remove_leftovers(self) -> None:
        """Remove what killed runs left half written. Nobody else may be writing into the folder."""
        for place in map(LocalPlace, self.local_roots):  # a remote store shows whole files alone
            for path in place.names():
                if TEMPORARY_NAME.fullmatch(path.rpartition("/")[2]):
                    place.remove(path)

    def _find(self, relative_path: str) -> tuple[Place, str]:
        """The place of an image and its path there. Raises ValueError where the path could lead out of it."""
        if fault := fault_of_relative_path(relative_path, MAX_NAME_BYTES):
            raise ValueError(f"{relative_path!r}: {fault}")
        if self._folders:
            first, _, rest = relative_path.partition("/")
            if rest and first in self._folders:
                return self._folders[first], rest
        return self._root, relative_path

    def _paths(self) -> Iterator[str]:
        """Give every image's path, in no order."""
        yield from filter(self._is_image, self._root.names())
        for name, folder in self._folders.items():
            yield from (f"{name}/{path}" for path in folder.names() if _is_image(path))

    def _is_image(self, path: str) -> bool:
        """Whether a file below the root is one of the images."""
        first, _, rest = path.partition("/")
        if not rest:
            return not first.startswith(".")
        return first not in self._folders and _is_image(path)


def _is_image(path: str) -> bool:
    name = path.rpartition("/")[2]
    return not name.startswith(".") or (name != LOCK and not TEMPORARY_NAME.fullmatch(name))


def _place(folder: Path | Place) -> Place:
    return LocalPlace(folder) if isinstance(folder, Path) else folder


def _local(place: Place) -> Path:
    if not isinstance(place, LocalPlace):
        raise InputError(f"{place} is no folder of this machine: this step needs a local or a mounted folder here.")
    return place.root
