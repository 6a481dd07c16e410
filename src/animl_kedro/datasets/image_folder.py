"""A folder of images as a Kedro dataset that loads lazily: nothing is opened before it is asked for."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError
from PIL.Image import Image

from animl_kedro.datasets.names import check_dataset_names
from animl_kedro.files import TEMPORARY_NAME, fault_of_relative_path, inside
from animl_kedro.images import open_image

LOCK = ".lock"
"""The file in a folder that a run which writes into it holds."""


class ImageFolder(Mapping[str, Image]):
    """The images below a folder, by their relative path with forward slashes.

    ``folders`` names other places for some of the first folders in these paths, by their names.
    """

    def __init__(self, root: Path, folders: Mapping[str, Path] | None = None) -> None:
        self.root = root
        self._folders = dict(folders or {})

    @property
    def roots(self) -> list[Path]:
        """The folders that the images lie below, always in the same order."""
        return sorted({self.root, *(folder for folder in self._folders.values() if folder.is_dir())})

    def path_of(self, relative_path: str) -> Path:
        """Where an image is or would be kept. Raises ValueError where the path could lead out of the folder."""
        if self._folders:
            first, _, rest = relative_path.partition("/")
            if rest and first in self._folders:
                return inside(self._folders[first], rest)
        return inside(self.root, relative_path)

    def __getitem__(self, relative_path: str) -> Image:
        path = self.path_of(relative_path)
        if not path.is_file():
            raise KeyError(f"there is no {relative_path!r} in {self.root}")
        return open_image(path)

    def __contains__(self, relative_path: object) -> bool:
        """Whether the file is there; it is not opened."""
        if not isinstance(relative_path, str) or fault_of_relative_path(relative_path):
            return False
        return self.path_of(relative_path).is_file()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path for path, file in self._files() if not TEMPORARY_NAME.fullmatch(file.name)))

    def remove_leftovers(self) -> None:
        """Remove what killed runs left half written. Nobody else may be writing into the folder."""
        for _, file in self._files():
            if TEMPORARY_NAME.fullmatch(file.name):
                file.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Every file with its relative path, but for what the pipelines note beside the images: ``.lock`` and such."""
        places = {path.name: path for path in self.root.iterdir()} if self.root.is_dir() else {}
        for name, place in (places | self._folders).items():
            if place.is_file() and (not name.startswith(".") or TEMPORARY_NAME.fullmatch(name)):
                yield name, place
            for folder, _, files in os.walk(place):
                below = Path(folder)
                prefix = PurePosixPath(name) / below.relative_to(place).as_posix()
                yield from ((str(prefix / file), below / file) for file in files if file != LOCK)

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
