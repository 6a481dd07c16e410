"""The downloaded images, by their ids."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from PIL.Image import Image

from animl_kedro.files import MAX_NAME_BYTES, fault_of_relative_path
from animl_kedro.image_folder import ImageFolder
from animl_kedro.places import Place


class ImageStore(ImageFolder):
    """A folder of images with a manifest, `ImageFiles`, that tells which file is which image's.

    As a mapping, it is of the images that have a file, by ``image_id``; a path below the folder is taken as well, where
    it is no image's id. The methods of a folder take paths and need no manifest. It is read when an id is first asked
    for, and is not pickled along; every method that needs it raises InputError where there is none.
    """

    def __init__(
        self,
        root: Path | Place,
        folders: Mapping[str, Path | Place] | None = None,
        *,
        read_manifest: Callable[[], pd.DataFrame],
    ) -> None:
        super().__init__(root, folders, column="image_id")
        self._read_manifest = read_manifest
        self._path_of_id: dict[str, str] | None = None

    def __getitem__(self, image_id: str) -> Image:
        path = self._known().get(image_id, image_id)
        if path == image_id and fault_of_relative_path(path, MAX_NAME_BYTES):
            raise KeyError(f"there is no image {image_id!r} with a file in {self}: see image_files")
        return super().__getitem__(path)

    def __contains__(self, image_id: object) -> bool:
        """Whether the image's file is there; it is not opened."""
        return isinstance(image_id, str) and super().__contains__(self._known().get(image_id, image_id))

    def __iter__(self) -> Iterator[str]:
        """Give the ids of the images whose files the manifest lists, in its order."""
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())

    def _known(self) -> dict[str, str]:
        """The path of every image that has one."""
        if self._path_of_id is None:
            manifest = self._read_manifest()
            found = manifest[manifest["path"].notna()]
            self._path_of_id = dict(zip(found["image_id"].tolist(), found["path"].tolist(), strict=True))
        return self._path_of_id

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_path_of_id": None}  # which another process reads for itself
