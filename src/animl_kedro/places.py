"""Places that files lie in, below relative paths: a folder of this machine, or a prefix of a remote store.

Paths are taken as they are: whoever asks has checked that they stay inside.
"""

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from animl_kedro.errors import InputError
from animl_kedro.files import temporary_name, written_whole

UNREADABLE = (FileNotFoundError, NotADirectoryError, PermissionError)
"""Why a folder shows nothing: it is absent or just removed, is a file, or is the administrator's, as ``lost+found``."""

ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""What a place raises where there is no such file, but nothing else is wrong."""

OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "memory")
"""Protocols of stores where a file that is put is there whole or not at all."""

LOCAL = ("file", "local")

KNOWN = ("s3", "gs", "abfs", "sftp", "hdfs", "memory")
"""Some of fsspec's protocols, to be named where another is unknown."""

MODIFIED = ("LastModified", "last_modified", "updated", "mtime", "created")
"""What stores call the time when a file was written: S3, Azure, Google, SFTP and HDFS, fsspec's memory."""

_LOGIN = re.compile(r"(?<=://)[^/@]*@")
"""The name and password in an address such as ``sftp://name:password@host/folder``."""

ADVICE = (
    "Check the URL, the network and the credentials: those that the catalog names by `credentials:` from "
    "credentials.yml of conf/local, or else those that are found for S3 by AWS_PROFILE, the environment or the role of "
    "the machine; then run again: what is done is not done twice."
)

SHOWN = ("profile", "region_name", "endpoint_url")
"""Options that are no secrets."""

PIECE_BYTES = 8 * 2**20
"""Of a file that is copied; s3fs' own way of copying holds 500 MB at once."""


class FileStat(NamedTuple):
    """What tells that a file is another one than before: its size in bytes, and when it was written, in ns since 1970.

    A remote store tells whole seconds, or no time at all: 0.
    """

    bytes: int
    modified_ns: int


class Place(Protocol):
    """Reads and writes files by their relative paths with forward slashes, in any process that it is pickled to.

    What is absent is a FileNotFoundError, or NotADirectoryError or IsADirectoryError where a folder is in the way;
    another OSError tells that the file cannot be had. A remote store that cannot be reached, or refuses, is an
    InputError instead, after some tries: no file is to blame, and going on would find the same of all others.
    """

    def read(self, path: str) -> bytes:
        """Give a file's bytes."""
        ...

    def write(self, path: str, data: bytes) -> FileStat:
        """Write a file whole: nobody ever finds a half one under its name."""
        ...

    def stat(self, path: str) -> FileStat | None:
        """Tell of a file, or None where there is none."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; that it is absent is no error."""
        ...

    def names(self) -> Iterator[str]:
        """Give every file's relative path, in no order."""
        ...

    def stats(self) -> Iterator[tuple[str, FileStat]]:
        """Tell of every file, in no order."""
        ...


class LocalPlace:
    """A folder of this machine, or one that is mounted. It need not be there before something is written."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def read(self, path: str) -> bytes:
        """Give a file's bytes."""
        return (self.root / path).read_bytes()

    def write(self, path: str, data: bytes) -> FileStat:
        """Write a file whole."""
        with written_whole(self.root / path) as temporary, temporary.open("wb") as file:
            file.write(data)
            file.flush()
            status = os.fstat(file.fileno())
        return FileStat(status.st_size, status.st_mtime_ns)

    def stat(self, path: str) -> FileStat | None:
        """Tell of a file, or None where there is none."""
        try:
            status = (self.root / path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return FileStat(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None

    def remove(self, path: str) -> None:
        """Remove a file; that it is absent is no error."""
        (self.root / path).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """Give every file's relative path, in no order."""
        return (path for path, entry in _walk(self.root) if entry.is_file())

    def stats(self) -> Iterator[tuple[str, FileStat]]:
        """Tell of every file, in no order; 100,000 take about half a second."""
        for path, entry in _walk(self.root):
            try:
                status = entry.stat()
            except FileNotFoundError:  # removed since, or a link to nowhere
                continue
            if stat.S_ISREG(status.st_mode):
                yield path, FileStat(status.st_size, status.st_mtime_ns)


def _walk(folder: Path | str, prefix: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Everything below a folder but folders. Links to folders are followed at its top only: data sets may be links."""
    try:
        entries = list(os.scandir(folder))
    except UNREADABLE:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=not prefix):
            yield from _walk(entry.path, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry


def place_of(address: str, options: Mapping[str, Any] | None = None) -> Place:
    """The place that an address tells: a folder's path, or a URL such as ``s3://bucket/prefix``.

    `options` are fsspec's for the file system of a URL; nothing is connected to before it is used. Raises InputError
    where the protocol is unknown.
    """
    protocol, separator, path = address.partition("://")
    if not separator:
        return LocalPlace(Path(address))
    if protocol in LOCAL:
        return LocalPlace(Path(path))
    return RemotePlace(address, options)


class RemotePlace:
    """A prefix of a store that fsspec knows: S3, Google's, Azure's, SFTP and others.

    The connection is made where it is used and not pickled; the options, and the credentials among them, are. They are
    shown nowhere. Whoever asks always gets the store's own answer: no listing is remembered.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        from fsspec import available_protocols  # noqa: PLC0415 - who works with local files alone need not wait for it

        self._protocol = url.partition("://")[0]
        if self._protocol not in available_protocols():
            raise InputError(f"{_LOGIN.sub('', url)}: the protocol is unknown: expected one of {', '.join(KNOWN)}, …")
        self._url = url.rstrip("/")
        self._options = dict(options or {})

    def __str__(self) -> str:
        return _LOGIN.sub("", self._url)

    def __repr__(self) -> str:
        return f"RemotePlace({str(self)!r})"

    def read(self, path: str) -> bytes:
        """Give a file's bytes."""
        with self._connected(path) as (fs, full_path):
            return bytes(fs.cat_file(full_path))

    def fetch(self, path: str, copy: Path) -> None:
        """Copy a file to this machine, piece by piece."""
        with self._connected(path) as (fs, full_path):
            if fs.info(full_path)["type"] != "file":
                raise IsADirectoryError(full_path)
            with fs.open(full_path, "rb", block_size=PIECE_BYTES) as file, copy.open("wb") as local:
                shutil.copyfileobj(file, local, PIECE_BYTES)

    def has_folder(self, path: str) -> bool:
        """Whether there are files below a path."""
        with self._connected(path) as (fs, full_path):
            return bool(fs.isdir(full_path))

    def write(self, path: str, data: bytes) -> FileStat:
        """Write a file whole: in one go where the store keeps it so, else under another name first."""
        with self._connected(path) as (fs, full_path):
            if self._protocol in OBJECT_STORES:
                fs.pipe_file(full_path, data)
            else:
                folder = full_path.rpartition("/")[0]
                temporary = f"{folder}/{temporary_name()}"
                fs.makedirs(folder, exist_ok=True)
                fs.pipe_file(temporary, data)
                fs.mv(temporary, full_path)
            return _stat_of(fs.info(full_path))

    def stat(self, path: str) -> FileStat | None:
        """Tell of a file, or None where there is none."""
        try:
            with self._connected(path) as (fs, full_path):
                info = fs.info(full_path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _stat_of(info) if info["type"] == "file" else None

    def remove(self, path: str) -> None:
        """Remove a file; that it is absent is no error."""
        try:
            with self._connected(path) as (fs, full_path):
                fs.rm_file(full_path)
        except FileNotFoundError:
            pass

    def names(self) -> Iterator[str]:
        """Give every file's relative path, in no order."""
        return (path for path, _ in self.stats())

    def stats(self) -> Iterator[tuple[str, FileStat]]:
        """Tell of every file, in no order, by one listing of the store."""
        try:
            with self._connected() as (fs, root):
                found = fs.find(root, detail=True)
        except FileNotFoundError:
            return
        for full_path, info in found.items():
            if info["type"] == "file" and full_path.startswith(f"{root}/"):
                yield full_path.removeprefix(f"{root}/"), _stat_of(info)

    @contextmanager
    def _connected(self, path: str | None = None) -> Iterator[tuple[Any, str]]:
        """Yield the file system, and a file's path there or the root's. Errors are told as `Place` says.

        Messages are the store's and its library's, and may repeat what they were sent: credentials are taken out.
        """
        from fsspec.core import url_to_fs  # noqa: PLC0415 - see above

        where = str(self) if path is None else f"{self}/{path}"
        try:
            fs, root = url_to_fs(self._url, **self._options)  # fsspec keeps it for this thread of this process
            fs.invalidate_cache()
            yield fs, root if path is None else f"{root.rstrip('/')}/{path}"
        except ImportError as error:
            raise InputError(f"{self}: {error}") from error
        except Exception as error:
            raise self._told(error, where) from None

    def _told(self, error: Exception, where: str) -> Exception:
        """What a store's error is to our callers; the errors of all stores are of types of their own."""
        if isinstance(error, ABSENT) and _s3_code(error) != "NoSuchBucket":
            return type(error)(error.errno or errno.ENOENT, "there is no such file", where)
        text = self._without_secrets(f"{type(error).__name__}: {error}")
        return InputError(f"{where} cannot be had: {text}. {ADVICE}")

    def _without_secrets(self, text: str) -> str:
        for value in _texts(self._options):
            text = text.replace(value, "***")
        return _LOGIN.sub("", text)


def _s3_code(error: Exception) -> str | None:
    """The code of S3's answer, which s3fs leaves with the cause of its error."""
    answer = getattr(error.__cause__, "response", None)
    return answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None


def _texts(options: Mapping[str, Any]) -> Iterator[str]:
    """The texts in options that may be secret: what they are called differs from store to store."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _texts(value)
        elif isinstance(value, str) and value and name not in SHOWN:
            yield value


def _stat_of(info: Mapping[str, Any]) -> FileStat:
    """What a store tells of a file; the time is called differently by each."""
    modified = next((info[name] for name in MODIFIED if info.get(name)), 0)
    if isinstance(modified, str):
        modified = datetime.fromisoformat(modified)
    seconds = int(modified.timestamp() if isinstance(modified, datetime) else modified)
    return FileStat(int(info["size"]), seconds * 1_000_000_000)
