"""Archives to download from: a folder of objects behind an S3 server on this machine."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from animl_kedro.datasets.image_archive import ImageArchive
from animl_kedro.datasets.s3_bucket import S3Bucket
from animl_kedro.sample.server import S3Server


def content_of(key: str) -> bytes:
    """The bytes of an object: what they mean is of no interest to a download."""
    digest = hashlib.sha256(key.encode()).digest()
    return digest * (digest[0] + 1)


def write_archive(folder: Path, images: pd.DataFrame, missing: Sequence[int] = ()) -> None:
    """Write the objects of these images, but for those in some rows."""
    for number, key in enumerate(images["key"]):
        if number not in missing:
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(content_of(key))


def archive_of(server: S3Server, bucket: str | None = None, prefix: str = "", **changes: Any) -> ImageArchive:
    """The archive that a server serves, with some settings of its bucket changed."""
    options = {"endpoint_url": server.endpoint_url, "region": "us-east-1", "credentials": server.credentials}
    return ImageArchive(S3Bucket(bucket or server.bucket, **(options | changes)), prefix)
