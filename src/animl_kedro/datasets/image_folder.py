"""A folder of images as a Kedro dataset that loads lazily: nothing is opened before it is asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import ImagePreview

from animl_kedro.datasets.names import check_dataset_names
from animl_kedro.datasets.previews import TILES, images_preview
from animl_kedro.errors import InputError
from animl_kedro.image_folder import LOCK, ImageFolder
from animl_kedro.image_store import ImageStore
from animl_kedro.places import Place, place_of

__all__ = ["LOCK", "ImageFolder", "ImageFolderDataset", "ImageStoreDataset"]

S3_PROTOCOLS = ("s3", "s3a")

S3_OPTIONS = {
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
    "aws_session_token": "token",
    "profile_name": "profile",
}
"""What s3fs calls boto3's credentials."""


class ImageFolderDataset(AbstractDataset[NoReturn, ImageFolder]):
    """Gives an `ImageFolder`: a mapping from relative paths to upright RGB Pillow images.

    ``column`` is the column of tables that holds such paths, by which `ImageFolder.select` chooses images.

    Pipelines write files into the folder one by one, each of them whole; the dataset itself is never saved. Images that
    lie elsewhere already are adopted by ``folders``: a data set's name, and the folder that its images' file names are
    relative to. What is absent there is downloaded to there.

    The path and those of ``folders`` may be URLs of stores that fsspec knows, for work on many machines; images cannot
    be downloaded into one. ``credentials`` and ``fs_args`` are the options of its file system. For S3 the credentials
    may have boto3's names as well, as the image archive's have: ``profile_name``, or ``aws_access_key_id``,
    ``aws_secret_access_key`` and ``aws_session_token``; without any, boto3 looks for them as always.

    YAML example::

        crop_images:
          type: animl_kedro.datasets.image_folder.ImageFolderDataset
          path: s3://my-bucket/crops
          credentials: my_bucket
          fs_args: {endpoint_url: "https://minio.example.org"}

    Python example::

        crops = ImageFolderDataset(path="data/03_primary/crops").load()
        crops["sample_island/DSC01.jpg___crop00.jpg"].show()
    """

    def __init__(
        self,
        *,
        path: str,
        column: str = "crop_id",
        folders: dict[str, str] | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if folders:
            check_dataset_names(folders)
        for folder in (folders or {}).values():
            if "://" not in folder and not Path(folder).is_absolute():
                raise DatasetError(f"`folders:` names {folder!r}: expected an absolute path, or a URL.")
        options = (fs_args or {}) | (credentials or {})
        self._root = _place(path, options)
        self._folders = {name: _place(folder, options) for name, folder in (folders or {}).items()}
        self._column = column
        self.metadata = metadata

    def load(self) -> ImageFolder:
        """Give the folder, which need not be there yet."""
        return ImageFolder(self._root, self._folders, column=self._column)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: images are written one by one by the nodes that make them."""
        raise DatasetError(f"{self._root} is a folder of images: it is written to file by file, not saved as a whole.")

    def preview(self) -> ImagePreview:
        """Give kedro-viz a sheet of some images. Raises InputError where the folder is on a remote store."""
        folder = ImageFolder(self._root, self._folders)
        return images_preview(folder, folder.some(TILES))

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._root)} | {name: str(folder) for name, folder in self._folders.items()}


class ImageStoreDataset(ImageFolderDataset):
    """Gives an `ImageStore`: a mapping from image ids to upright RGB Pillow images, and an `ImageFolder` as well.

    ``manifest`` is a dataset that loads the columns image_id and path of `ImageFiles`. Everything else is as in
    `ImageFolderDataset`.

    YAML example::

        image_store:
          type: animl_kedro.datasets.image_folder.ImageStoreDataset
          path: data/02_intermediate/images
          manifest:
            type: pandas.ParquetDataset
            filepath: data/02_intermediate/image_files.parquet
            load_args: {columns: [image_id, path]}
          folders:
            channel_islands: /mnt/archive/channel-islands-camera-traps

    Python example::

        catalog.load("image_store")["santa_cruz_island:0a1b2c"].show()
    """

    def __init__(
        self,
        *,
        path: str,
        manifest: dict[str, Any],
        folders: dict[str, str] | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(path=path, folders=folders, credentials=credentials, fs_args=fs_args, metadata=metadata)
        self._manifest: AbstractDataset[Any, pd.DataFrame] = AbstractDataset.from_config("manifest", dict(manifest))

    def load(self) -> ImageStore:
        """Give the store, which need not be there yet; nor need the manifest."""
        return ImageStore(self._root, self._folders, read_manifest=self._read_manifest)

    def _read_manifest(self) -> pd.DataFrame:
        """Read the manifest. Raises InputError where there is none yet."""
        if not self._manifest.exists():
            raise InputError(
                f"There is no manifest of the images in {self._root} yet. Run first: kedro run --pipeline=ingestion"
            )
        return self._manifest.load()


def _place(address: str, options: Mapping[str, Any]) -> Place:
    """The place of an address. Raises DatasetError where its protocol is unknown."""
    if address.partition("://")[0] in S3_PROTOCOLS:
        options = _s3_options(options)
    try:
        return place_of(address, options)
    except InputError as error:
        raise DatasetError(str(error)) from error


def _s3_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """S3's options as s3fs calls them."""
    renamed = {S3_OPTIONS.get(name, name): value for name, value in options.items()}
    if region := renamed.pop("region_name", None):
        renamed["client_kwargs"] = {"region_name": region} | renamed.get("client_kwargs", {})
    return renamed
