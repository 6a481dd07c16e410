"""The archive of images in S3 as a Kedro dataset that loads lazily."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from PIL.Image import Image

from animl_kedro.datasets.names import check_dataset_names
from animl_kedro.datasets.object_reader import ObjectReader
from animl_kedro.datasets.s3_bucket import S3Bucket
from animl_kedro.errors import InputError
from animl_kedro.image_selection import ImageSelection, column_of
from animl_kedro.images import open_image

ATTEMPTS, STALL_TIMEOUT_S = 5, 30.0
"""For one image at a time; the pipeline has parameters for these."""


class ImageArchive(Mapping[str, Image]):
    """The images of an S3 bucket, by key. Nothing is contacted before an image is asked for; safe for threads."""

    def __init__(self, bucket: S3Bucket, prefix: str = "") -> None:
        self.bucket = bucket
        self.prefix = prefix
        self._reader: ObjectReader | None = None

    def of_dataset(self, dataset: str) -> "ImageArchive":
        """The archive that holds a data set's images: this one, which holds those of all."""
        del dataset
        return self

    def select(self, images: pd.DataFrame) -> ImageSelection[str]:
        """The images of a table's rows by ``image_id``, in the table's order, each fetched when it is asked for.

        Raises InputError where the table lacks image_id or key.
        """
        ids, keys = column_of(images, "image_id"), column_of(images, "key")
        return ImageSelection(self.__getitem__, zip(ids, keys, strict=True))

    def reader(self, *, attempts: int = ATTEMPTS, stall_timeout_s: float = STALL_TIMEOUT_S) -> ObjectReader:
        """A reader of many objects. Raises InputError where there are no credentials to be found."""
        return ObjectReader(self.bucket, self.prefix, attempts=attempts, stall_timeout_s=stall_timeout_s)

    def read_bytes(self, key: str) -> bytes:
        """The object's bytes.

        Raises MissingKeyError where there is none, another ObjectError where it cannot be had, and InputError where no
        object of the archive can.
        """
        buffer = BytesIO()
        self._own_reader().read(key, buffer)
        return buffer.getvalue()

    def _own_reader(self) -> ObjectReader:
        if self._reader is None:
            self._reader = self.reader()
        return self._reader

    def __getitem__(self, key: str) -> Image:
        return open_image(self.read_bytes(key))

    def __contains__(self, key: object) -> bool:
        """Whether the archive holds the key; nothing is fetched. Raises as `read_bytes` where it cannot be told."""
        return isinstance(key, str) and self._own_reader().holds(key)

    def __iter__(self) -> Iterator[str]:
        client, arguments = self.bucket.client, self.bucket.arguments
        pages = client.get_paginator("list_objects_v2").paginate(Prefix=self.prefix, **arguments)
        return (item["Key"].removeprefix(self.prefix) for page in pages for item in page.get("Contents", []))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_reader": None}  # which another process makes for itself

    def __repr__(self) -> str:
        return f"ImageArchive(s3://{self.bucket.name}/{self.prefix})"


class ImageArchives(Mapping[str, ImageArchive]):
    """The archives of several data sets, by the data sets' names."""

    def __init__(self, archives: Mapping[str, ImageArchive]) -> None:
        self._archives = dict(archives)

    def of_dataset(self, dataset: str) -> ImageArchive:
        """The archive that holds a data set's images. Raises InputError where none is configured for it."""
        if dataset not in self._archives:
            raise InputError(
                f"The catalog entry image_archive has no archive for the data set {dataset!r}, only for "
                f"{', '.join(map(repr, self._archives))}: add it under `datasets:` there."
            )
        return self._archives[dataset]

    def select(self, images: pd.DataFrame) -> ImageSelection[tuple[str, str]]:
        """The images of a table's rows by ``image_id``, in the table's order, each fetched when it is asked for.

        Raises InputError where the table lacks image_id, dataset or key.
        """
        ids, datasets, keys = (column_of(images, name) for name in ("image_id", "dataset", "key"))
        return ImageSelection(self._fetch, zip(ids, zip(datasets, keys, strict=True), strict=True))

    def _fetch(self, place: tuple[str, str]) -> Image:
        dataset, key = place
        return self.of_dataset(dataset)[key]

    def __getitem__(self, dataset: str) -> ImageArchive:
        return self._archives[dataset]

    def __iter__(self) -> Iterator[str]:
        return iter(self._archives)

    def __len__(self) -> int:
        return len(self._archives)


class ImageArchiveDataset(AbstractDataset[NoReturn, ImageArchive]):
    """Gives an `ImageArchive`: a mapping from keys to upright RGB Pillow images in S3, fetched when asked for.

    ``credentials`` are boto3's session arguments: ``profile_name``, or ``aws_access_key_id``,
    ``aws_secret_access_key`` and ``aws_session_token``. Without them boto3 looks where it always does, roles included.
    A public bucket is ``anonymous``, any other S3-compatible server has an ``endpoint_url``.

    YAML example::

        image_archive:
          type: animl_kedro.datasets.image_archive.ImageArchiveDataset
          bucket: animl-images-serving-prod
          region: us-west-2
          credentials: animl

    Python example::

        archive = ImageArchiveDataset(bucket="animl-images-serving-prod", region="us-west-2").load()
        archive["original/santa_cruz_island:0a1b2c-original.jpg"].show()
    """

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str = "",
        endpoint_url: str | None = None,
        region: str | None = None,
        anonymous: bool = False,
        requester_pays: bool = False,
        credentials: dict[str, str] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._archive = ImageArchive(
            S3Bucket(
                bucket,
                endpoint_url=endpoint_url,
                region=region,
                anonymous=anonymous,
                requester_pays=requester_pays,
                credentials=credentials,
            ),
            prefix,
        )
        self.metadata = metadata

    def load(self) -> ImageArchive:
        """Give the archive; nothing is contacted yet."""
        return self._archive

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: the archive belongs to Animl."""
        raise DatasetError(f"s3://{self._archive.bucket.name} is an archive: it is read, never written.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"bucket": self._archive.bucket.name, "prefix": self._archive.prefix}


class ImageArchivesDataset(AbstractDataset[NoReturn, ImageArchives]):
    """Gives `ImageArchives`: one `ImageArchive` a data set, each configured as an `ImageArchiveDataset`.

    YAML example::

        image_archive:
          type: animl_kedro.datasets.image_archive.ImageArchivesDataset
          datasets:
            santa_cruz_island: {bucket: animl-images-serving-prod, region: us-west-2, credentials: animl}
            channel_islands: {bucket: us-west-2.opendata.source.coop, region: us-west-2, anonymous: true}

    Python example::

        settings = {"santa_cruz_island": {"bucket": "animl-images-serving-prod", "region": "us-west-2"}}
        archives = ImageArchivesDataset(datasets=settings).load()
        archives["santa_cruz_island"]["original/santa_cruz_island:0a1b2c-original.jpg"].show()
    """

    def __init__(self, *, datasets: dict[str, dict[str, Any]], metadata: dict[str, Any] | None = None) -> None:
        check_dataset_names(datasets)
        self._datasets = {name: _archive_dataset(name, settings) for name, settings in datasets.items()}
        self.metadata = metadata

    def load(self) -> ImageArchives:
        """Give the archives; nothing is contacted yet."""
        return ImageArchives({name: dataset.load() for name, dataset in self._datasets.items()})

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: the archives belong to others."""
        raise DatasetError("Archives of images are read, never written.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {name: dataset._describe() for name, dataset in self._datasets.items()}


def _archive_dataset(name: str, settings: dict[str, Any]) -> ImageArchiveDataset:
    try:
        return ImageArchiveDataset(**settings)
    except TypeError as error:
        reason = str(error).partition("() ")[2]
        raise DatasetError(f"The archive of the data set {name!r} is not configured rightly: {reason}.") from error
