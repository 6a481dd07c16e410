"""Objects of a bucket in bulk: many threads over one store, each object checked, what can pass tried again.

The bytes move through obstore, whose store is Rust and gives Python's lock back while it waits. Credentials, endpoint
and region are boto3's.
"""

import errno
import hashlib
import os
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from animl_kedro.datasets.object_errors import (
    MissingKeyError,
    ObjectError,
    PassingError,
    error_of_text,
    object_error,
)
from animl_kedro.datasets.s3_bucket import S3Bucket

if TYPE_CHECKING:
    from obstore.store import S3Store

PIECE = 128 * 1024
"""Bytes of an object that pass through memory at a time: larger ones are copied once more, smaller ones cost calls."""

CONNECT_TIMEOUT_S = 10
OBJECT_TIMEOUT = timedelta(hours=1)
"""An object may take long on a thin line; one that stands still is given up after the stall timeout."""

CREDENTIALS_TTL = timedelta(minutes=5)
"""How long credentials are used before boto3, which renews those of roles, is asked for them again."""

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 20.0

MD5 = re.compile(r'"?([0-9a-f]{32})"?')

_UNNAMEABLE = re.compile(r"(^|/)\.{0,2}(/|$)|[\x00-\x1f\x7f]")
"""What no key that obstore can name has: empty segments, dots alone, control characters. boto3 reads such objects."""


class ObjectFile(NamedTuple):
    """What is known of an object once it is read: its size in bytes and the MD5 of these."""

    bytes: int
    checksum: str


class _Answer(NamedTuple):
    size: int
    etag: str | None
    pieces: Iterator[Any]


class ObjectReader:
    """Reads objects of a bucket below a prefix; safe for threads.

    ``attempts`` are made at most for what may pass (the 5xx, throttling, time-outs, broken connections, bytes that do
    not match), with waits that double from 0.2 s and vary by chance; none again for what cannot (404, 403).
    """

    def __init__(self, bucket: S3Bucket, prefix: str, *, attempts: int, stall_timeout_s: float) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._attempts = attempts
        self._stall_timeout = timedelta(seconds=stall_timeout_s)
        self._store = self._make_store()
        self._etags_are_checksums = True
        self._stopped = Event()

    def stop(self) -> None:
        """Try nothing again from now on: the run is at its end."""
        self._stopped.set()

    def fetch(self, key: str, file: Path) -> ObjectFile:
        """Write an object into a file, which is whole and checked when this returns.

        Raises what `read` raises, and OSError where the file cannot be written.
        """
        with file.open("wb", buffering=0) as target:  # pieces are large enough, and a buffer costs system calls
            return self.read(key, target)

    def read(self, key: str, target: IO[bytes]) -> ObjectFile:
        """Copy an object into an open file, which is empty, and check what came.

        Raises MissingKeyError, another ObjectError, or InputError where no object of the bucket can be had.
        """
        for made in range(1, self._attempts):
            try:
                return self._copy(key, target)
            except PassingError:
                target.seek(0)
                target.truncate()
                longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**made)
                # by chance, lest all threads come back at once
                if self._stopped.wait(random.uniform(longest / 2, longest)):  # noqa: S311
                    raise
        return self._copy(key, target)

    def holds(self, key: str) -> bool:
        """Whether there is such an object; nothing is fetched. Raises ObjectError or InputError where none can tell."""
        full = self._prefix + key
        try:
            with _boto3_errors(self._bucket.name, full):
                self._bucket.client.head_object(Key=full, **self._bucket.arguments)
        except MissingKeyError:
            return False
        return True

    def _copy(self, key: str, target: IO[bytes]) -> ObjectFile:
        """Copy an object, and check its size and, where its ETag is an MD5, its checksum."""
        answer = self._ask(key)
        digest = hashlib.md5(usedforsecurity=False)
        size = 0
        for piece in self._received(key, answer.pieces):
            if target.write(piece) != len(piece):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            digest.update(piece)
            size += len(piece)
        checksum = digest.hexdigest()
        if size != answer.size:
            raise PassingError(f"{key!r} came with {size:,} bytes, expected were {answer.size:,}")
        expected = MD5.fullmatch(answer.etag or "")
        if expected and expected[1] != checksum and self._has_checksum_as_etag(key):
            raise PassingError(f"{key!r} came with the MD5 {checksum}, expected was {expected[1]}")
        if not size:
            raise ObjectError("the object in the archive is empty")
        return ObjectFile(size, checksum)

    def _ask(self, key: str) -> _Answer:
        full = self._prefix + key
        if _UNNAMEABLE.search(full):
            return self._ask_boto3(full)
        try:
            result = self._store.get(full)
        except Exception as error:  # obstore's, which have no class in common but this
            raise error_of_text(self._bucket.name, full, str(error)) from None
        return _Answer(result.meta["size"], result.meta["e_tag"], iter(result.stream(min_chunk_size=PIECE)))

    def _received(self, key: str, pieces: Iterator[Any]) -> Iterator[memoryview]:
        """The pieces, with what breaks between them as an error of ours."""
        while True:
            try:
                piece = next(pieces, None)
            except Exception as error:  # see _ask
                raise error_of_text(self._bucket.name, self._prefix + key, str(error)) from None
            if piece is None:
                return
            yield memoryview(piece)

    def _ask_boto3(self, key: str) -> _Answer:
        with _boto3_errors(self._bucket.name, key):
            response = self._bucket.client.get_object(Key=key, **self._bucket.arguments)
        return _Answer(response["ContentLength"], response.get("ETag"), response["Body"].iter_chunks(PIECE))

    def _has_checksum_as_etag(self, key: str) -> bool:
        """Whether ETags are MD5s here: those of objects under a key of AWS's KMS look so and are not."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see S3Bucket

        if self._etags_are_checksums:
            try:
                head = self._bucket.client.head_object(Key=self._prefix + key, **self._bucket.arguments)
            except (BotoCoreError, ClientError):
                return True
            encrypted = "kms" in str(head.get("ServerSideEncryption")) or "SSECustomerAlgorithm" in head
            self._etags_are_checksums = not encrypted
        return self._etags_are_checksums

    def _make_store(self) -> "S3Store":
        from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 - see S3Bucket
        from obstore.store import S3Store  # noqa: PLC0415

        bucket = self._bucket
        endpoint_url, region = bucket.find_address()
        identity: dict[str, Any] = (
            {"skip_signature": True}
            if bucket.anonymous
            else {"credential_provider": Boto3CredentialProvider(bucket.session, ttl=CREDENTIALS_TTL)}
        )
        options: dict[str, Any] = {
            "allow_http": endpoint_url.startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_TIMEOUT_S),
            "read_timeout": self._stall_timeout,
            "timeout": OBJECT_TIMEOUT,
        }
        if bucket.is_on_loopback:  # whatever proxy the environment names cannot reach it
            options |= {"proxy_url": endpoint_url, "proxy_excludes": "localhost,127.0.0.1,::1"}
        return S3Store(
            bucket.name,
            endpoint=endpoint_url,
            region=region,
            request_payer=bucket.requester_pays,
            client_options=cast("Any", options),
            retry_config={"max_retries": 0},  # `read` does it, and knows about the bytes as well
            **identity,
        )


@contextmanager
def _boto3_errors(bucket: str, key: str) -> Iterator[None]:
    """Tell boto3's errors as ours."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see S3Bucket

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        raise object_error(bucket, key, status, code, str(error)) from None
    except BotoCoreError as error:
        raise PassingError(f"s3://{bucket}, key {key!r}: {type(error).__name__}") from None
