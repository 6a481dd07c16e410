"""A folder that a node works in, named by the catalog."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError


class WorkingFolderDataset(AbstractDataset[NoReturn, Path]):
    """Gives the path of a folder of this machine, in which a node keeps what it can go on from when it was killed.

    The folder need not be there; the dataset itself is never saved.

    YAML example::

        training_checkpoints:
          type: animl_kedro.datasets.working_folder.WorkingFolderDataset
          path: data/06_models/checkpoints

    Python example::

        WorkingFolderDataset(path="data/06_models/checkpoints").load()
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> Path:
        """Give the path."""
        return self._path

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: the node that works in the folder writes into it."""
        raise DatasetError(f"{self._path} is a working folder: what is in it is not saved as a whole.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}
