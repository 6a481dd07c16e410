"""Folders that a node works in, named by the catalog."""

from abc import abstractmethod
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from kedro.io import AbstractDataset, DatasetError

Work = TypeVar("Work")


class FolderOfWorkDataset(AbstractDataset[NoReturn, Work]):
    """Gives what a node works on in a folder of this machine, and goes on from when it was killed.

    The folder need not be there; the dataset itself is never saved. A subclass says what is given.
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    @abstractmethod
    def _open(self, path: Path) -> Work:
        """Give what there is, which may be nothing."""

    def load(self) -> Work:
        """Give what there is in the folder."""
        return self._open(self._path)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: the node that works in the folder writes into it."""
        raise DatasetError(f"{self._path} is written to while a node runs, not saved as a whole.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}


class WorkingFolderDataset(FolderOfWorkDataset[Path]):
    """Gives the path of the folder.

    YAML example::

        training_checkpoints:
          type: animl_kedro.datasets.working_folder.WorkingFolderDataset
          path: data/06_models/checkpoints

    Python example::

        WorkingFolderDataset(path="data/06_models/checkpoints").load()
    """

    def _open(self, path: Path) -> Path:
        return path
