"""A file that comes from outside, on this machine or in a store that fsspec knows."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from animl_kedro.errors import InputError
from animl_kedro.files import portable
from animl_kedro.places import LocalPlace, RemotePlace, place_of


class InputFile:
    """A file by its path or by its URL, such as ``s3://bucket/key``. Nothing is contacted before it is asked for.

    ``options`` are fsspec's for the file system of a URL; without any, S3's credentials are found as boto3 does it.
    ``address`` is what people know the file by, and ``path`` the same on this machine, None for a URL. Raises
    InputError where a URL names no file, or its protocol is unknown.
    """

    def __init__(self, filepath: str, options: Mapping[str, Any] | None = None) -> None:
        place = place_of(filepath, options)
        self.address = str(place)
        self.path = place.root if isinstance(place, LocalPlace) else None
        folder, _, self.name = filepath.rpartition("/")
        if self.path is None:
            if not self.name or not folder.partition("://")[2]:
                raise InputError(f"{self.address} names no file: expected a URL such as s3://bucket/folder/file.json.")
            self._folder = RemotePlace(folder, options)

    def exists(self) -> bool:
        """Whether there is something. Raises InputError where a store cannot be asked, or has a folder of that name."""
        if self.path is not None:
            return self.path.exists()
        if self._folder.stat(self.name) is not None:
            return True
        if self._folder.has_folder(self.name):
            raise self._is_a_folder()
        return False

    @contextmanager
    def at_hand(self) -> Iterator[Path]:
        """Yield a path of this machine: the file itself, or a copy of the same name, which is gone afterwards.

        Where there is none, there is none at that path either, so that whoever reads it says what is missing. What
        InputError and OSError say of the copy, they say of the URL. Raises InputError where the store cannot be asked.
        """
        if self.path is not None:
            yield self.path
            return
        with tempfile.TemporaryDirectory(prefix="animl-kedro-") as folder:
            copy = Path(folder) / portable(self.name)
            self._fetch(copy)
            try:
                yield copy
            except (InputError, OSError) as error:
                self._name_in(error, str(copy))
                raise

    def _fetch(self, copy: Path) -> None:
        try:
            self._folder.fetch(self.name, copy)
        except IsADirectoryError:
            raise self._is_a_folder() from None
        except (FileNotFoundError, NotADirectoryError):
            pass

    def _is_a_folder(self) -> InputError:
        return InputError(
            f"{self.address} is a folder, expected a file: of what is in a store, files alone are read. Pack a Camtrap "
            "DP package into a .zip and name that, or put the folder on this machine."
        )

    def _name_in(self, error: InputError | OSError, copy: str) -> None:
        """Put the URL in the place of the copy's path."""
        error.args = tuple(part.replace(copy, self.address) if isinstance(part, str) else part for part in error.args)
        if isinstance(error, OSError) and error.filename == copy:
            error.filename = self.address
