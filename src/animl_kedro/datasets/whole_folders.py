"""Several files that belong together as one versioned dataset: a folder, written whole."""

import shutil
import tempfile
from abc import abstractmethod
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from kedro.io import DatasetError

from animl_kedro.datasets.stored import Content, StoredDataset
from animl_kedro.files import written_whole


class WholeFolderDataset(StoredDataset[Content]):
    """Saves and loads a folder of files, which appears under its name when all of them are complete.

    In a store that has no folders, as S3, each file appears when it is complete, and the dataset counts as there when
    all of them have. A subclass reads and writes the files, and names them.
    """

    FILES: ClassVar[tuple[str, ...]]

    @abstractmethod
    def _read(self, folder: Path) -> Content:
        """Read what the folder holds, all of it: the folder may be gone afterwards."""

    @abstractmethod
    def _write(self, data: Content, folder: Path) -> None:
        """Write the files into an empty folder."""

    def load(self) -> Content:
        """Read the files. Raises InputError where they do not belong together."""
        with self._store.at_hand(self._get_load_path(), self.FILES) as folder:
            return self._read(folder)

    def save(self, data: Content) -> None:
        """Write the files into a new folder, which takes its final name when all are complete."""
        if self._store.is_local:
            self._save_here(data, Path(self._get_save_path()))
            return
        with tempfile.TemporaryDirectory(prefix="animl-kedro-") as files:
            self._write(data, Path(files))
            self._store.put(self._get_save_path(), Path(files))

    def _save_here(self, data: Content, folder: Path) -> None:
        with written_whole(folder) as temporary:
            temporary.mkdir()
            self._write(data, temporary)
            if not self._version:
                shutil.rmtree(folder, ignore_errors=True)

    def _exists(self) -> bool:
        try:
            folder: PurePosixPath = self._get_load_path()
        except DatasetError:  # there is no version
            return False
        return all(self._store.holds(folder / name) for name in self.FILES)

    def _release(self) -> None:
        super()._release()
        self._store.forget()

    def _read_file(self, name: str) -> bytes:
        """One of the files alone."""
        return self._store.read(self._get_load_path() / name)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._store.address(self._filepath), "version": self._version}
