"""Objects read in bulk: whatever their keys and sizes, with whatever identity, checked where that can be."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from animl_kedro.datasets import object_reader
from animl_kedro.datasets.object_errors import MissingKeyError, ObjectError, PassingError, error_of_text
from animl_kedro.datasets.object_reader import ObjectFile, ObjectReader
from animl_kedro.datasets.s3_bucket import S3Bucket
from animl_kedro.errors import InputError
from animl_kedro.sample.server import S3Server, serve_folder
from archives import archive_of
from s3_servers import Flaw, faulty_proxy

BUCKET = "objects"
LARGE = bytes(range(256)) * 8192
ODD_KEYS = [
    "a b+c.jpg",
    "100%/a%20b.jpg",
    "x#y?z=1&b.jpg",
    "t~[x]{y}^`|\\.jpg",
    "island:1/ñ🦊.jpg",
    "two//slashes.jpg",
    "/leading.jpg",
    "trailing/",
    "./here.jpg",
    "up/../there.jpg",
    "tab\t.jpg",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("objects")
    (folder / "large.jpg").write_bytes(LARGE)
    with serve_folder(folder, BUCKET) as server:
        client = archive_of(server).bucket.client
        for key in ODD_KEYS:
            client.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
        client.put_object(Bucket=BUCKET, Key="kms.jpg", Body=b"secret", ServerSideEncryption="aws:kms")
        client.put_object(Bucket=BUCKET, Key="kms too.jpg", Body=b"secrets", ServerSideEncryption="aws:kms")
        yield server


def read(reader: ObjectReader, key: str) -> bytes:
    buffer = BytesIO()
    reader.read(key, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("number", range(len(ODD_KEYS)))
def test_reader_of_any_key_reads_that_object_and_no_other(served: S3Server, number: int) -> None:
    assert read(archive_of(served).reader(), ODD_KEYS[number]) == ODD_KEYS[number].encode()


@pytest.mark.parametrize(
    "key", ["none.jpg", "no//such//key", "leading.jpg", "two/slashes.jpg", "there.jpg", "here.jpg"]
)
def test_reader_of_a_key_that_is_none_says_so(served: S3Server, key: str) -> None:
    with pytest.raises(MissingKeyError, match=f"s3://{BUCKET} has no key '{key}'"):
        read(archive_of(served).reader(), key)


def test_reader_of_a_prefix_and_a_rest_that_obstore_cannot_name_reads_the_object(served: S3Server) -> None:
    assert read(archive_of(served, prefix="two/").reader(), "/slashes.jpg") == b"two//slashes.jpg"


def test_reader_of_a_large_object_reads_it_in_pieces(
    served: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_reader, "PIECE", 100_000)
    found = archive_of(served).reader().fetch("large.jpg", tmp_path / "large.jpg")
    assert (tmp_path / "large.jpg").read_bytes() == LARGE
    assert found == ObjectFile(len(LARGE), hashlib.md5(LARGE).hexdigest())


def test_reader_tries_again_from_the_beginning_of_the_file(served: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_reader, "FIRST_WAIT_S", 0.001)
    with faulty_proxy(served.endpoint_url, lambda _, attempt: Flaw.WRONG_BODY if attempt == 0 else None) as proxy:
        assert read(archive_of(served, endpoint_url=proxy.endpoint_url).reader(), "large.jpg") == LARGE
    assert proxy.requests == {"large.jpg": 2}


def test_reader_of_a_bucket_encrypted_by_kms_does_not_take_etags_for_checksums(served: S3Server) -> None:
    with faulty_proxy(served.endpoint_url, lambda _key, _attempt: Flaw.WRONG_ETAG) as proxy:
        reader = archive_of(served, endpoint_url=proxy.endpoint_url).reader(attempts=1)
        assert read(reader, "kms.jpg") == b"secret"
        assert read(reader, "kms too.jpg") == b"secrets"


def test_reader_of_a_bucket_that_is_not_encrypted_takes_etags_for_checksums(served: S3Server) -> None:
    with faulty_proxy(served.endpoint_url, lambda _key, _attempt: Flaw.WRONG_ETAG) as proxy:
        reader = archive_of(served, endpoint_url=proxy.endpoint_url).reader(attempts=1)
        with pytest.raises(PassingError, match=r"'large\.jpg' came with the MD5 .*, expected was"):
            read(reader, "large.jpg")


def test_reader_of_nothing_refuses_an_empty_object(served: S3Server) -> None:
    archive_of(served).bucket.client.put_object(Bucket=BUCKET, Key="empty.jpg", Body=b"")
    with pytest.raises(ObjectError, match="the object in the archive is empty"):
        read(archive_of(served).reader(), "empty.jpg")


def test_reader_of_nobody_says_that_the_server_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_reader, "FIRST_WAIT_S", 0.001)
    bucket = S3Bucket(BUCKET, endpoint_url="http://127.0.0.1:1", anonymous=True)
    with pytest.raises(PassingError, match=r"key .a\.jpg.: .*error sending request"):
        read(ObjectReader(bucket, "", attempts=2, stall_timeout_s=1), "a.jpg")


def test_reader_past_a_proxy_of_the_environment_reaches_this_machine(
    served: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert read(archive_of(served).reader(attempts=1), "a b+c.jpg") == b"a b+c.jpg"


@contextmanager
def recording_server(status: int = 200) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that answers every GET with the same three bytes, or an error, and keeps the headers that it got."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"abc")

        def log_message(self, *arguments: Any) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("key", ["plain.jpg", "odd//key.jpg"])
def test_reader_asks_as_who_it_is_told_to(key: str) -> None:
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "SECRET", "aws_session_token": "TOKEN"}
    with recording_server() as (endpoint_url, seen):
        for options in ({"credentials": keys}, {"anonymous": True}, {"credentials": keys, "requester_pays": True}):
            bucket = S3Bucket(BUCKET, endpoint_url=endpoint_url, region="eu-west-1", **options)
            assert read(ObjectReader(bucket, "", attempts=1, stall_timeout_s=5), key) == b"abc"
    signed, anonymous, paying = seen
    assert "Credential=AKIDEXAMPLE/" in signed["authorization"]
    assert "/eu-west-1/s3/" in signed["authorization"]
    assert signed["x-amz-security-token"] == "TOKEN"
    assert "x-amz-request-payer" not in signed
    assert "authorization" not in anonymous
    assert paying["x-amz-request-payer"] == "requester"


def test_reader_of_a_bucket_in_another_region_says_what_to_set() -> None:
    with recording_server(status=301) as (endpoint_url, _):
        bucket = S3Bucket(BUCKET, endpoint_url=endpoint_url, anonymous=True)
        with pytest.raises(ObjectError, match=f"s3://{BUCKET} lies in another region: set its `region:`"):
            read(ObjectReader(bucket, "", attempts=3, stall_timeout_s=5), "a.jpg")


def test_reader_takes_the_profile_and_the_region_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "credentials").write_text("[ranger]\naws_access_key_id = AKIDRANGER\naws_secret_access_key = S\n")
    (tmp_path / "config").write_text("[profile ranger]\nregion = us-west-2\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with recording_server() as (endpoint_url, seen):
        bucket = S3Bucket(BUCKET, endpoint_url=endpoint_url, credentials={"profile_name": "ranger"})
        read(ObjectReader(bucket, "", attempts=1, stall_timeout_s=5), "a.jpg")
    assert "Credential=AKIDRANGER/" in seen[0]["authorization"]
    assert "/us-west-2/s3/" in seen[0]["authorization"]


def test_reader_without_credentials_is_refused() -> None:
    with pytest.raises(InputError, match="no credentials"):
        ObjectReader(S3Bucket(BUCKET, endpoint_url="http://127.0.0.1:1"), "", attempts=1, stall_timeout_s=1)


def test_reader_of_a_missing_key_with_a_dash_between_blanks_says_that_it_is_missing(served: S3Server) -> None:
    with pytest.raises(MissingKeyError, match=r"has no key 'Cam 1 - N/none\.jpg'"):
        read(archive_of(served).reader(), "Cam 1 - N/none.jpg")


def test_error_never_repeats_what_the_server_says_of_the_credentials() -> None:
    identity = "<AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId>"
    said = f"<Error><Code>SignatureDoesNotMatch</Code><Message>no - match</Message>{identity}</Error>"
    text = f"Error performing GET http://h/b/k in 1ms - Server returned non-2xx status code: 403 Forbidden: {said}"
    with pytest.raises(InputError, match="403 SignatureDoesNotMatch") as caught:
        error_of_text("b", "k", text)
    assert "AKIDEXAMPLE" not in str(caught.value)
    other = error_of_text("b", "k", text.replace("SignatureDoesNotMatch", "Other"))
    assert str(other) == "s3://b, key 'k': 403 Other"
    assert "AKIDEXAMPLE" not in str(error_of_text("b", "k", f"something else {said}"))


def test_error_of_credentials_that_ran_out_stops_the_run() -> None:
    with pytest.raises(InputError, match="credentials for s3://b are not usable any more"):
        error_of_text("b", "k", "Generic S3 error: External AWS credential provider: SSOTokenLoadError")


@pytest.mark.parametrize("credentials", [{"aws_access_key_id": "A"}, {"aws_secret_access_key": "B"}])
def test_reader_with_half_of_a_key_is_refused(credentials: dict[str, str]) -> None:
    with pytest.raises(InputError, match="credentials"):
        ObjectReader(S3Bucket(BUCKET, credentials=credentials), "", attempts=1, stall_timeout_s=1)


def test_reader_that_is_stopped_tries_nothing_again(served: S3Server) -> None:
    with faulty_proxy(served.endpoint_url, lambda _key, _attempt: Flaw.REFUSE) as proxy:
        reader = archive_of(served, endpoint_url=proxy.endpoint_url).reader(attempts=20)
        reader.stop()
        with pytest.raises(PassingError):
            read(reader, "large.jpg")
    assert proxy.requests == {"large.jpg": 1}
