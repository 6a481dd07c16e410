"""Serves a folder through a real S3 API over HTTP on this machine, so that no credentials or network are needed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from animl_kedro.errors import InputError

HOST, REGION = "127.0.0.1", "us-east-1"


class S3Server:
    """An S3 server with one bucket, which holds the files of a folder under their relative paths.

    The files are read once, here; what clients change is lost when the server stops. moto keeps the buckets of one
    process in one place, so that its servers see each other's: a bucket's name must not be in use already.

    Raises InputError without moto, without the folder, or where the bucket's name is taken.
    """

    def __init__(self, folder: Path, bucket: str) -> None:
        try:
            from moto.server import ThreadedMotoServer  # noqa: PLC0415 (an optional part)
        except ImportError as error:
            message = "The sample island's S3 server needs moto: pip install 'animl-kedro[sample]'"
            raise InputError(message) from error
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        _fill_bucket(bucket, folder)
        self.bucket = bucket
        self.credentials = {"aws_access_key_id": "sample", "aws_secret_access_key": "sample"}
        self._server: Any = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
        self._server.start()
        self.endpoint_url = f"http://{HOST}:{self._server.get_host_and_port()[1]}"

    def stop(self) -> None:
        """Close the port and forget the bucket; a second call does nothing."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()
            # moto leaves the port open, on which clients would wait for an answer that nobody gives.
            server._server.server_close()
            _drop_bucket(self.bucket)


@contextmanager
def serve_folder(folder: Path, bucket: str) -> Iterator[S3Server]:
    """Serve a folder as a bucket for as long as the context lasts."""
    server = S3Server(folder, bucket)
    try:
        yield server
    finally:
        server.stop()


def _backend() -> Any:
    """What moto keeps of S3: put here, 300 photographs take 0.1 s, and over HTTP nearly 3."""
    from moto.backends import get_backend  # noqa: PLC0415
    from moto.core.models import DEFAULT_ACCOUNT_ID  # noqa: PLC0415

    return get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]


def _fill_bucket(bucket: str, folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder} to serve.")
    backend = _backend()
    if bucket in backend.buckets:
        raise InputError(f"The bucket {bucket!r} is being served by this process already: choose another name.")
    backend.create_bucket(bucket, REGION)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            backend.put_object(bucket, path.relative_to(folder).as_posix(), path.read_bytes())


def _drop_bucket(bucket: str) -> None:
    backend = _backend()
    if bucket not in backend.buckets:
        return
    keys = backend.buckets[bucket].keys
    for key in list(keys.values()):
        key.dispose()
    keys.clear()
    backend.delete_bucket(bucket)
