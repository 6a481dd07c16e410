"""A folder of images as a Kedro dataset that loads lazily: nothing is opened before it is asked for."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError
from PIL.Image import Image

from animl_kedro.files import TEMPORARY_SUFFIX, fault_of_relative_path, inside
from animl_kedro.images import open_image


class ImageFolder(Mapping[str, Image]):
    """The images below a folder, by their relative path with forward slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path_of(self, relative_path: str) -> Path:
        """Where an image is or would be kept. Raises ValueError where the path could lead out of the folder."""
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
        files = (path for path in self.root.rglob("*") if path.is_file() and path.suffix != TEMPORARY_SUFFIX)
        return iter(sorted(path.relative_to(self.root).as_posix() for path in files))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class ImageFolderDataset(AbstractDataset[NoReturn, ImageFolder]):
    """Gives an `ImageFolder`: a mapping from relative paths to upright RGB Pillow images.

    Pipelines write files into the folder one by one, each of them whole; the dataset itself is never saved.

    YAML example::

        crop_images:
          type: animl_kedro.datasets.image_folder.ImageFolderDataset
          path: data/04_feature/crops

    Python example::

        crops = ImageFolderDataset(path="data/04_feature/crops").load()
        crops["sample_island/DSC01.jpg___crop00.jpg"].show()
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> ImageFolder:
        """Give the folder, made where it was absent."""
        self._path.mkdir(parents=True, exist_ok=True)
        return ImageFolder(self._path)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: images are written one by one by the nodes that make them."""
        raise DatasetError(f"{self._path} is a folder of images: it is written to file by file, not saved as a whole.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}
