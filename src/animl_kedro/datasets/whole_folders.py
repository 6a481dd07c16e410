"""Several files that belong together as one versioned dataset: a folder, written whole."""

import shutil
from abc import abstractmethod
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, TypeVar

from kedro.io import AbstractVersionedDataset, Version

from animl_kedro.files import written_whole

Content = TypeVar("Content")


class WholeFolderDataset(AbstractVersionedDataset[Content, Content]):
    """Saves and loads a folder of files, which appears under its name when all of them are complete.

    A subclass reads and writes the files, and names those without which the folder does not count as there.
    """

    FILES: ClassVar[tuple[str, ...]]

    def __init__(
        self, *, filepath: str, version: Version | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        super().__init__(filepath=PurePosixPath(filepath), version=version)
        self.metadata = metadata

    @abstractmethod
    def _read(self, folder: Path) -> Content:
        """Read what the folder holds."""

    @abstractmethod
    def _write(self, data: Content, folder: Path) -> None:
        """Write the files into an empty folder."""

    def load(self) -> Content:
        """Read the files. Raises InputError where they do not belong together."""
        return self._read(Path(self._get_load_path()))

    def save(self, data: Content) -> None:
        """Write the files into a new folder, which takes its final name when all are complete."""
        folder = Path(self._get_save_path())
        with written_whole(folder) as temporary:
            temporary.mkdir()
            self._write(data, temporary)
            if not self._version:
                shutil.rmtree(folder, ignore_errors=True)

    def _exists(self) -> bool:
        folder = Path(self._get_load_path())
        return all((folder / name).is_file() for name in self.FILES)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "version": self._version}
