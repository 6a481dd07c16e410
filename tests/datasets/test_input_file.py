"""A file from outside, wherever it lies: at hand as a path of this machine, and known by its address."""

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from animl_kedro.datasets.input_file import InputFile
from animl_kedro.errors import InputError
from animl_kedro.sample.server import S3Server, serve_folder
from s3_servers import RcloneServer, in_environment, rclone_server

BUCKET = "inputs"
CONTENT = bytes(range(256)) * 100


@pytest.fixture(scope="module", params=["moto", "rclone"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server | RcloneServer]:
    folder = tmp_path_factory.mktemp("served") / BUCKET
    (folder / "a folder").mkdir(parents=True)
    for name in ("export.json.gz", "why? 7:30.zip"):
        (folder / "a folder" / name).write_bytes(CONTENT)
    context: Any = serve_folder(folder, BUCKET) if request.param == "moto" else rclone_server(folder.parent)
    with context as server:
        yield server


@pytest.fixture
def server(served: S3Server | RcloneServer, monkeypatch: pytest.MonkeyPatch) -> S3Server | RcloneServer:
    """A server with a bucket, found as a person's is: by the environment."""
    in_environment(served, monkeypatch)
    return served


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    yield MemoryFileSystem()
    MemoryFileSystem.store.clear()


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_file_of_this_machine_is_at_hand_as_it_lies(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "a.json"
    file = InputFile(f"{prefix}{path}")
    assert (file.address, file.path, file.exists()) == (str(path), path, False)
    path.write_text("{}")
    assert file.exists()
    with file.at_hand() as at_hand:
        assert at_hand == path
    assert path.exists()


def test_error_about_a_file_of_this_machine_is_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, InputFile(str(tmp_path / "a")).at_hand() as path:
        path.read_bytes()
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("name", ["export.json.gz", "why? 7:30.zip"])
def test_file_in_a_bucket_is_at_hand_as_a_copy_that_goes(server: S3Server | RcloneServer, name: str) -> None:
    file = InputFile(f"s3://{BUCKET}/a folder/{name}")
    assert file.exists()
    assert (file.address, file.path) == (f"s3://{BUCKET}/a folder/{name}", None)
    with pickle.loads(pickle.dumps(file)).at_hand() as copy:
        assert copy.read_bytes() == CONTENT
        assert copy.suffixes == Path(name).suffixes
    assert not copy.parent.exists()


def test_copy_of_many_pieces_is_whole(memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("animl_kedro.places.PIECE_BYTES", 1000)
    memory.pipe_file("/a/b", CONTENT)
    with InputFile("memory://a/b").at_hand() as copy:
        assert copy.read_bytes() == CONTENT


def test_file_that_was_replaced_is_read_as_it_is_now(server: S3Server | RcloneServer) -> None:
    file = InputFile(f"s3://{BUCKET}/a/b")
    assert not file.exists()
    for content in (b"first", b"the second"):
        boto3.Session().client("s3").put_object(Bucket=BUCKET, Key="a/b", Body=content)
        assert file.exists()
        with file.at_hand() as copy:
            assert copy.read_bytes() == content


def test_what_is_wrong_with_the_copy_is_said_of_the_url(memory: MemoryFileSystem) -> None:
    memory.pipe_file("/a/b.json", CONTENT)
    file = InputFile("memory://a/b.json")
    with pytest.raises(InputError, match=r"^memory://a/b\.json is no export: put it at memory://a/b\.json$"):  # noqa: SIM117
        with file.at_hand() as copy:
            raise InputError(f"{copy} is no export: put it at {copy}")
    with pytest.raises(FileExistsError) as caught, file.at_hand() as copy:
        copy.mkdir()
    assert str(caught.value) == "[Errno 17] File exists: 'memory://a/b.json'"


def test_file_that_is_absent_is_absent_at_hand(server: S3Server | RcloneServer) -> None:
    file = InputFile(f"s3://{BUCKET}/a folder/none.json")
    assert not file.exists()
    with pytest.raises(FileNotFoundError, match=rf"'s3://{BUCKET}/a folder/none\.json'$"), file.at_hand() as path:
        path.read_bytes()


def refusals_of(file: InputFile) -> str:
    """What is said of a file that cannot be had, whichever way it is asked for."""
    with pytest.raises(InputError) as of_exists:
        file.exists()
    with pytest.raises(InputError) as of_copy, file.at_hand():
        pass
    assert str(of_exists.value) == str(of_copy.value)
    return str(of_copy.value)


def test_folder_in_a_bucket_is_refused(server: S3Server | RcloneServer) -> None:
    refusal = refusals_of(InputFile(f"s3://{BUCKET}/a folder"))
    assert f"s3://{BUCKET}/a folder is a folder, expected a file" in refusal


def test_bucket_that_is_absent_is_named(server: S3Server | RcloneServer) -> None:
    refusal = refusals_of(InputFile("s3://other/a.json"))
    assert refusal.startswith("s3://other/a.json cannot be had: FileNotFoundError: The specified bucket does not exist")
    assert "AWS_PROFILE" in refusal


def test_credentials_that_are_absent_are_asked_for(
    server: S3Server | RcloneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in server.credentials:
        monkeypatch.delenv(name.upper())
    refusal = refusals_of(InputFile(f"s3://{BUCKET}/a.json"))
    assert f"s3://{BUCKET}/a.json cannot be had: NoCredentialsError" in refusal
    assert "AWS_PROFILE" in refusal


def test_library_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    assert "s3fs" in refusals_of(InputFile("s3://bucket/a.json"))


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("s3://bucket", "names no file: expected a URL such as s3://bucket/folder/file.json"),
        ("s3://bucket/", "names no file"),
        ("s3://bucket/folder/", "names no file"),
        ("s4://bucket/a.json", "the protocol is unknown: expected one of s3, "),
    ],
)
def test_url_that_names_no_file_is_refused_at_once(url: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        InputFile(url)
