"""The archive of images in S3 as a Kedro dataset that loads lazily."""

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from kedro.io import AbstractDataset, DatasetError
from PIL.Image import Image

from animl_kedro.errors import InputError
from animl_kedro.images import open_image

if TYPE_CHECKING:
    from boto3 import Session
    from mypy_boto3_s3 import S3Client

MAX_CONNECTIONS = 64

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Hosts on this machine, which no proxy can reach."""

HOPELESS = ("NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken")
"""Answers that every other object would get as well."""

ADVICE = (
    "Set AWS_PROFILE; or put `profile_name`, or `aws_access_key_id` and `aws_secret_access_key`, under a name into "
    "credentials.yml of the environment that you run (conf/local by default) and give that name as `credentials:` in "
    "the catalog entry image_archive; for a public bucket set `anonymous: true` there."
)

_making_client = threading.Lock()
"""Held while a client is made. Not an attribute, since archives travel to other processes and locks cannot."""


class MissingKeyError(KeyError):
    """A key that the archive does not hold."""

    def __str__(self) -> str:
        return str(self.args[0])


class ImageArchive(Mapping[str, Image]):
    """The images of an S3 bucket, by key. One shared client, made when it is first needed; safe for threads."""

    def __init__(
        self,
        bucket: str,
        *,
        prefix: str = "",
        endpoint_url: str | None = None,
        region: str | None = None,
        anonymous: bool = False,
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self._endpoint_url = endpoint_url
        self._region = region
        self._anonymous = anonymous
        self._credentials: dict[str, Any] = dict(credentials or {})
        self._client: S3Client | None = None

    @property
    def client(self) -> "S3Client":
        """The S3 client. Raises InputError where there are no credentials to be found."""
        with _making_client:
            if self._client is None:
                self._client = self._make_client()
        return self._client

    def _make_client(self) -> "S3Client":
        from botocore import UNSIGNED  # noqa: PLC0415 - half a second that only those pay who reach for the archive
        from botocore.config import Config  # noqa: PLC0415

        session = self._make_session()
        host = urlsplit(self._endpoint_url or "").hostname
        config = Config(
            max_pool_connections=MAX_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": 5},
            connect_timeout=10,
            read_timeout=60,
            signature_version=UNSIGNED if self._anonymous else None,
            proxies={} if host in LOOPBACK else None,
        )
        return session.client("s3", endpoint_url=self._endpoint_url, config=config)

    def _make_session(self) -> "Session":
        import boto3  # noqa: PLC0415 - see _make_client
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
        from botocore.session import Session as CoreSession  # noqa: PLC0415

        # Keys that are given count, whatever profile the environment names.
        no_profile: Any = {"profile": (None, None, None, None)}
        core = CoreSession(session_vars=no_profile) if "aws_access_key_id" in self._credentials else None
        try:
            session = boto3.Session(region_name=self._region, botocore_session=core, **self._credentials)
            found = self._anonymous or session.get_credentials() is not None
        except (BotoCoreError, TypeError) as error:
            raise InputError(f"The credentials for s3://{self.bucket} are not usable: {error}. {ADVICE}") from error
        if not found:
            raise InputError(f"There are no credentials for the archive s3://{self.bucket}. {ADVICE}")
        return session

    def read_bytes(self, key: str) -> bytes:
        """The object's bytes.

        Raises MissingKeyError where there is none, InputError where no object of the archive can be had, and
        botocore's errors otherwise.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - see _make_client

        try:
            return self.client.get_object(Bucket=self.bucket, Key=self.prefix + key)["Body"].read()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "NoSuchKey":
                raise MissingKeyError(f"s3://{self.bucket} has no key {self.prefix + key!r}") from None
            if code in HOPELESS:
                raise InputError(f"The archive s3://{self.bucket} cannot be read: {error}. {ADVICE}") from error
            raise

    def __getitem__(self, key: str) -> Image:
        return open_image(self.read_bytes(key))

    def __iter__(self) -> Iterator[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        return (item["Key"].removeprefix(self.prefix) for page in pages for item in page.get("Contents", []))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_client": None}  # which another process makes for itself

    def __repr__(self) -> str:
        return f"ImageArchive(s3://{self.bucket}/{self.prefix})"


class ImageArchiveDataset(AbstractDataset[NoReturn, ImageArchive]):
    """Gives an `ImageArchive`: a mapping from keys to upright RGB Pillow images in S3, fetched when asked for.

    ``credentials`` are boto3's session arguments: ``profile_name``, or ``aws_access_key_id``,
    ``aws_secret_access_key`` and ``aws_session_token``. Without them boto3 looks where it always does.

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
        credentials: dict[str, str] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._archive = ImageArchive(
            bucket,
            prefix=prefix,
            endpoint_url=endpoint_url,
            region=region,
            anonymous=anonymous,
            credentials=credentials,
        )
        self.metadata = metadata

    def load(self) -> ImageArchive:
        """Give the archive; nothing is contacted yet."""
        return self._archive

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: the archive belongs to Animl."""
        raise DatasetError(f"s3://{self._archive.bucket} is an archive: it is read, never written.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"bucket": self._archive.bucket, "prefix": self._archive.prefix}
