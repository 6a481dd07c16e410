"""The S3 server: the same bytes through boto3, and nothing left behind."""

import logging
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from animl_kedro.errors import InputError
from animl_kedro.sample.server import S3Server, serve_folder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    (folder / "original").mkdir()
    (folder / "original" / "a:1 ñ.jpg").write_bytes(bytes(range(256)) * 4)
    (folder / "empty.txt").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[S3Server]:
    with serve_folder(folder, "served") as running:
        yield running


def client_of(server: S3Server) -> "S3Client":
    access, secret = server.credentials["aws_access_key_id"], server.credentials["aws_secret_access_key"]
    session = boto3.session.Session(aws_access_key_id=access, aws_secret_access_key=secret)
    return session.client("s3", endpoint_url=server.endpoint_url, region_name="us-east-1")


def body(server: S3Server, key: str) -> bytes:
    return client_of(server).get_object(Bucket=server.bucket, Key=key)["Body"].read()


def test_server_gives_the_bytes_of_the_files(server: S3Server, folder: Path) -> None:
    assert body(server, "original/a:1 ñ.jpg") == (folder / "original" / "a:1 ñ.jpg").read_bytes()
    assert body(server, "empty.txt") == b""


def test_server_lists_the_relative_paths(server: S3Server) -> None:
    listed = client_of(server).list_objects_v2(Bucket="served")["Contents"]
    assert [(item["Key"], item["Size"]) for item in listed] == [("empty.txt", 0), ("original/a:1 ñ.jpg", 1024)]


def test_server_asked_for_a_key_that_it_lacks_says_so(server: S3Server) -> None:
    with pytest.raises(ClientError, match="NoSuchKey"):
        body(server, "original/none.jpg")


def test_server_listens_on_this_machine_only(server: S3Server) -> None:
    assert urlsplit(server.endpoint_url).hostname == "127.0.0.1"


def test_server_is_silent_in_the_log(server: S3Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="root"):
        body(server, "empty.txt")
    assert not [record for record in caplog.records if record.name == "werkzeug"]


def test_servers_side_by_side_keep_their_buckets_apart(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "empty.txt").write_bytes(b"not so empty")
    with serve_folder(folder, "one") as first, serve_folder(other, "two") as second:
        assert first.endpoint_url != second.endpoint_url
        assert body(first, "empty.txt") == b""
        assert body(second, "empty.txt") == b"not so empty"


def test_server_with_a_bucket_that_is_taken_is_refused(server: S3Server, folder: Path) -> None:
    with pytest.raises(InputError, match="choose another name"):
        S3Server(folder, "served")
    assert body(server, "empty.txt") == b""


def test_server_that_was_stopped_refuses_connections_and_frees_its_bucket(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_bytes(b"first")
    server = S3Server(tmp_path, "again")
    server.stop()
    server.stop()
    address = urlsplit(server.endpoint_url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname or "", address.port or 0), timeout=5)
    file.write_bytes(b"changed")
    with serve_folder(tmp_path, "again") as second:
        assert body(second, "file.txt") == b"changed"


def test_server_stops_after_an_error_inside_its_context(folder: Path) -> None:
    with pytest.raises(RuntimeError, match="inside"), serve_folder(folder, "broken"):
        raise RuntimeError("inside")
    with serve_folder(folder, "broken") as server:
        assert body(server, "empty.txt") == b""


def test_server_without_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        S3Server(tmp_path / "none", "nothing")


def test_server_without_moto_says_how_to_install_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moto.server", None)
    with pytest.raises(InputError, match=r"pip install 'animl-kedro\[sample\]'"):
        S3Server(folder, "nothing")
