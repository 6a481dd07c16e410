"""A folder of images as a Kedro dataset that loads lazily: nothing is opened before it is asked for."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from animl_kedro.datasets.names import check_dataset_names
from animl_kedro.image_folder import LOCK, ImageFolder

__all__ = ["LOCK", "ImageFolder", "ImageFolderDataset"]


class ImageFolderDataset(AbstractDataset[NoReturn, ImageFolder]):
    """Gives an `ImageFolder`: a mapping from relative paths to upright RGB Pillow images.

    Pipelines write files into the folder one by one, each of them whole; the dataset itself is never saved. Images that
    lie elsewhere already are adopted by ``folders``: a data set's name, and the folder that its images' file names are
    relative to. What is absent there is downloaded to there.

    YAML example::

        image_store:
          type: animl_kedro.datasets.image_folder.ImageFolderDataset
          path: data/02_intermediate/images
          folders:
            channel_islands: /mnt/archive/channel-islands-camera-traps

    Python example::

        crops = ImageFolderDataset(path="data/03_primary/crops").load()
        crops["sample_island/DSC01.jpg___crop00.jpg"].show()
    """

    def __init__(
        self, *, path: str, folders: dict[str, str] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        if folders:
            check_dataset_names(folders)
        if relative := [folder for folder in (folders or {}).values() if not Path(folder).is_absolute()]:
            raise DatasetError(f"`folders:` names {relative[0]!r}: expected an absolute path.")
        self._path = Path(path)
        self._folders = {name: Path(folder) for name, folder in (folders or {}).items()}
        self.metadata = metadata

    def load(self) -> ImageFolder:
        """Give the folder, which need not be there yet."""
        return ImageFolder(self._path, self._folders)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: images are written one by one by the nodes that make them."""
        raise DatasetError(f"{self._path} is a folder of images: it is written to file by file, not saved as a whole.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)} | {name: str(folder) for name, folder in self._folders.items()}
