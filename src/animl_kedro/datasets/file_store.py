"""Where a dataset's files lie: on this machine, where they are written whole, or in a store that fsspec knows."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from kedro.io.core import get_protocol_and_path

from animl_kedro.datasets.whole_files import WholeFileSystem


class FileStore:
    """The file system of a path or URL. Paths are without the protocol, as Kedro's versions are made of them.

    ``credentials`` are the options of fsspec's file system; without any, S3 is asked as boto3 does it.
    """

    def __init__(self, filepath: str, credentials: dict[str, Any] | None = None) -> None:
        self.protocol, path = get_protocol_and_path(filepath)
        self.path = PurePosixPath(path)
        self.fs: Any = WholeFileSystem() if self.is_local else fsspec.filesystem(self.protocol, **(credentials or {}))

    @property
    def is_local(self) -> bool:
        """Whether it is a file system of this machine."""
        return self.protocol == "file"

    def address(self, path: PurePosixPath) -> str:
        """The path with its protocol, for the file system and for people."""
        return str(path) if self.is_local else f"{self.protocol}://{path}"

    def read(self, path: PurePosixPath) -> bytes:
        """Give a file's bytes. Raises FileNotFoundError where there is none."""
        data: bytes = self.fs.cat_file(self.address(path))
        return data

    def write(self, path: PurePosixPath, data: bytes) -> None:
        """Write a file whole."""
        with self.fs.open(self.address(path), "wb") as file:
            file.write(data)
        self.forget()

    def holds(self, path: PurePosixPath) -> bool:
        """Whether there is such a file."""
        return bool(self.fs.isfile(self.address(path)))

    @contextmanager
    def at_hand(self, folder: PurePosixPath, names: Iterable[str]) -> Iterator[Path]:
        """Yield a folder of this machine with these files of the folder: itself, or copies of those that are there."""
        if self.is_local:
            yield Path(folder)
            return
        with tempfile.TemporaryDirectory(prefix="animl-kedro-") as copies:
            for name in names:
                if self.holds(folder / name):
                    self.fs.get_file(self.address(folder / name), str(Path(copies) / name))
            yield Path(copies)

    def put(self, folder: PurePosixPath, files: Path) -> None:
        """Copy the files of a folder of this machine into one of the store."""
        for file in sorted(files.iterdir()):
            self.fs.put_file(str(file), self.address(folder / file.name))
        self.forget()

    def forget(self) -> None:
        """Ask the store again, the next time, for what it holds."""
        self.fs.invalidate_cache()
