"""A folder of images on a remote store behaves as one of this machine: what is written there is found there."""

import io
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from kedro.io import DataCatalog, DatasetError
from PIL import Image

from animl_kedro import places
from animl_kedro.datasets.image_folder import ImageFolder, ImageFolderDataset
from animl_kedro.errors import InputError
from animl_kedro.executors import in_shards
from animl_kedro.files import TEMPORARY_NAME
from animl_kedro.images import UnreadableImageError
from animl_kedro.places import FileStat
from animl_kedro.sample.server import serve_folder
from factories import IMAGE_SIZE, write_jpeg
from s3_servers import rclone_server

BUCKET = "photographs"
SECRET = "SECRETEXAMPLE1"


@dataclass(frozen=True)
class Store:
    """Where a folder may be made, with what belongs to the dataset."""

    url: str
    arguments: dict[str, Any]

    def dataset(self, **arguments: Any) -> ImageFolderDataset:
        return ImageFolderDataset(path=self.url, **self.arguments | arguments)


@pytest.fixture(params=["memory", "moto", "rclone"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "served" / BUCKET).mkdir(parents=True)
    if request.param == "memory":
        yield Store("memory://photographs/crops", {})
        MemoryFileSystem.store.clear()
    elif request.param == "moto":
        with serve_folder(tmp_path / "served" / BUCKET, BUCKET) as server:
            fs_args = {"endpoint_url": server.endpoint_url, "region_name": "us-east-1"}
            yield Store(f"s3://{BUCKET}/crops", {"credentials": server.credentials, "fs_args": fs_args})
    else:
        with rclone_server(tmp_path / "served") as other:
            credentials = other.credentials | {"endpoint_url": other.endpoint_url}
            yield Store(f"s3://{BUCKET}/crops/of/island/", {"credentials": credentials})


@pytest.fixture
def folder(store: Store) -> ImageFolder:
    return store.dataset().load()


def sizes(stats: dict[str, FileStat]) -> dict[str, int]:
    return {path: status.bytes for path, status in stats.items()}


def jpeg(orientation: int = 1) -> bytes:
    image, buffer = Image.new("RGB", IMAGE_SIZE, "green"), io.BytesIO()
    image.getexif()[0x0112] = orientation
    image.save(buffer, "JPEG", exif=image.getexif())
    return buffer.getvalue()


def test_remote_folder_is_a_mapping_of_what_was_written(folder: ImageFolder) -> None:
    assert list(folder) == []
    before = int(time.time())
    written = {path: folder.write(path, jpeg(6)) for path in ("b/second.jpg", "a.jpg", "b/deep er/first.JPG")}
    assert list(folder) == ["a.jpg", "b/deep er/first.JPG", "b/second.jpg"]
    assert len(folder) == 3
    assert {image.size for image in folder.values()} == {IMAGE_SIZE[::-1]}
    assert sizes(folder.stats()) == sizes(written)
    for status in (*written.values(), *folder.stats().values()):
        assert status.bytes == len(jpeg(6))
        assert status.modified_ns % 1_000_000_000 == 0
        assert before - 1 <= status.modified_ns / 1e9 <= time.time() + 1


def test_remote_folder_reads_what_was_written_last(folder: ImageFolder) -> None:
    folder.write("a/x.jpg", b"first")
    assert folder.stats()["a/x.jpg"].bytes == 5
    assert folder.write("a/x.jpg", b"the second").bytes == 10
    assert folder.read("a/x.jpg") == b"the second"
    assert folder.stats()["a/x.jpg"].bytes == 10


# not rclone, which changes a file's time a moment after it has been put
@pytest.mark.parametrize("store", ["memory", "moto"], indirect=True)
def test_remote_folder_tells_the_same_of_a_file_whichever_way_it_is_asked(folder: ImageFolder) -> None:
    written = {path: folder.write(path, jpeg()) for path in ("b/second.jpg", "a.jpg")}
    assert folder.stats() == written
    assert {path: folder.stat(path) for path in folder} == written


def test_remote_folder_without_a_file_tells_so(folder: ImageFolder) -> None:
    folder.write("a/x.jpg", jpeg())
    for absent in ("a/none.jpg", "none", "a"):
        with pytest.raises(KeyError, match=f"no '{absent}' in "):
            folder[absent]
        with pytest.raises((FileNotFoundError, IsADirectoryError), match="no such file"):
            folder.read(absent)
        assert folder.stat(absent) is None
        assert absent not in folder
        assert folder.get(absent) is None


def test_remote_folder_removes_a_file(folder: ImageFolder) -> None:
    folder.write("a/x.jpg", jpeg())
    folder.write("a/y.jpg", jpeg())
    folder.remove("a/x.jpg")
    assert list(folder) == ["a/y.jpg"]
    folder.remove("a/x.jpg")
    folder.remove("none/of/them.jpg")


@pytest.mark.parametrize("path", ["../outside.jpg", "b/../../outside.jpg", "/etc/hostname", "", "a.jpg/", "a//b"])
def test_remote_folder_never_reaches_what_is_outside(folder: ImageFolder, path: str) -> None:
    for ask in (folder.read, folder.stat, folder.remove, folder.__getitem__, partial(folder.write, data=b"x")):
        with pytest.raises(ValueError, match="the path"):
            ask(path)
    assert path not in folder


def test_remote_folder_with_a_damaged_image_refuses_it_alone(folder: ImageFolder) -> None:
    folder.write("a.jpg", jpeg()[:300])
    folder.write("b.jpg", jpeg())
    assert folder["b.jpg"].size == IMAGE_SIZE
    with pytest.raises(UnreadableImageError, match=r"damaged|not an image"):
        folder["a.jpg"]


def test_remote_folder_leaves_out_what_is_no_image_of_its_own(store: Store) -> None:
    folder = store.dataset().load()
    for name in (".ledger.json", "b/.lock", "b/.0123456789ab.part", "b/x.jpg"):
        folder.write(name, b"x")
    beside = ImageFolderDataset(path=f"{store.url.rstrip('/')}-old", **store.arguments).load()
    beside.write("other.jpg", b"x")
    assert list(folder) == list(folder.stats()) == ["b/x.jpg"]


def test_remote_folder_shows_what_another_process_wrote_or_removed_since(store: Store) -> None:
    here, there = store.dataset().load(), store.dataset().load()
    assert list(here) == []
    there.write("a/x.jpg", b"x")
    assert list(here) == ["a/x.jpg"]
    assert "a/x.jpg" in here
    there.remove("a/x.jpg")
    assert list(here) == []
    assert "a/x.jpg" not in here


def test_remote_folder_is_the_same_when_it_was_pickled(folder: ImageFolder) -> None:
    folder.write("a/x.jpg", b"x")
    copy = pickle.loads(pickle.dumps(folder))
    assert copy.read("a/x.jpg") == b"x"
    copy.write("a/y.jpg", b"yy")
    assert folder.stats().keys() == {"a/x.jpg", "a/y.jpg"}


@pytest.mark.parametrize("store", ["moto", "rclone"], indirect=True)
def test_remote_folder_is_filled_by_other_processes(folder: ImageFolder) -> None:
    folder.write("before.jpg", b"x")  # so that there is a connection that cannot go along
    paths = [f"{number % 3}/{number}.jpg" for number in range(70)]
    work = partial(write_into, folder)
    written = dict(in_shards(work, paths, executor="processes", processes=2, on_lost=work))
    folder.remove("before.jpg")
    assert sizes(written) == sizes(folder.stats())
    assert {folder.read(path) for path in paths} == {path.encode() for path in paths}


def write_into(folder: ImageFolder, path: str) -> tuple[str, FileStat]:
    return path, folder.write(path, path.encode())


def test_remote_folder_adopts_other_places(store: Store, tmp_path: Path) -> None:
    write_jpeg(tmp_path / "disk" / "x.jpg")
    elsewhere = f"{store.url.rstrip('/')}-elsewhere"
    folder = store.dataset(folders={"disk": str(tmp_path / "disk"), "old": elsewhere}).load()
    folder.write("a.jpg", b"x")
    folder.write("old/y.jpg", b"yy")
    folder.write("disk/z.jpg", b"zzz")
    assert {path: status.bytes for path, status in folder.stats().items() if path != "disk/x.jpg"} == {
        "a.jpg": 1,
        "old/y.jpg": 2,
        "disk/z.jpg": 3,
    }
    assert (tmp_path / "disk" / "z.jpg").read_bytes() == b"zzz"
    assert folder["disk/x.jpg"].size == IMAGE_SIZE
    assert list(ImageFolderDataset(path=elsewhere, **store.arguments).load()) == ["y.jpg"]
    assert folder.path_of("disk/x.jpg") == tmp_path / "disk" / "x.jpg"


def test_remote_folder_where_a_local_one_is_needed_says_so(folder: ImageFolder) -> None:
    asks: list[Callable[[], Path]] = [lambda: folder.root, lambda: folder.path_of("a.jpg")]
    for ask in asks:
        with pytest.raises(
            InputError, match=r"://photographs/crops.* is no folder of this machine: .* local or a mount"
        ):
            ask()


def test_remote_store_that_is_not_one_of_objects_never_shows_half_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "OBJECT_STORES", ())
    put: list[str] = []
    pipe_file = MemoryFileSystem.pipe_file

    def noted(self: MemoryFileSystem, path: str, value: bytes, **kwargs: Any) -> Any:
        put.append(path)
        return pipe_file(self, path, value, **kwargs)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", noted)
    folder = ImageFolderDataset(path="memory://photographs/disk").load()
    for data in (b"x", b"yy"):
        assert folder.write("new/x.jpg", data).bytes == len(data)
        assert folder.read("new/x.jpg") == data
    assert len(put) == 2
    assert not [path for path in put if not TEMPORARY_NAME.fullmatch(path.rpartition("/")[2])]
    assert list(folder) == ["new/x.jpg"]
    MemoryFileSystem.store.clear()


# Credentials


@pytest.mark.parametrize("names", [("aws_access_key_id", "aws_secret_access_key"), ("key", "secret")])
def test_credentials_by_the_names_of_boto3_and_of_s3fs_are_shown_nowhere(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    (tmp_path / BUCKET).mkdir()
    with rclone_server(tmp_path) as server:
        wrong = dict(zip(names, ("AKIAOTHER", "OTHERSECRET"), strict=True))
        right = dict(zip(names, server.credentials.values(), strict=True))
        for credentials, works in ((right, True), (wrong, False)):
            where = {"endpoint_url": server.endpoint_url}
            dataset = ImageFolderDataset(path=f"s3://{BUCKET}/crops", credentials=credentials, fs_args=where)
            folder = dataset.load()
            if works:
                folder.write("x.jpg", b"x")
                assert list(folder) == ["x.jpg"]
            else:
                with pytest.raises(InputError, match=r"s3://photographs/crops/x\.jpg cannot be had: ") as refusal:
                    folder.read("x.jpg")
                assert refusal.value.__suppress_context__
                check_hidden(credentials, str(refusal.value), repr(refusal.value))
            check_hidden(credentials, str(dataset), repr(dataset), str(folder), repr(folder), repr(folder._root))


def check_hidden(credentials: dict[str, str], *texts: str) -> None:
    for text in texts:
        assert not [value for value in credentials.values() if value in text]


def test_errors_of_a_store_do_not_repeat_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    def leak(self: MemoryFileSystem, path: str, **kwargs: Any) -> bytes:
        raise RuntimeError(f"refused: token={SECRET} at sftp://me:pass@host")

    monkeypatch.setattr(MemoryFileSystem, "cat_file", leak)
    folder = ImageFolderDataset(path="memory://here", fs_args={"nested": {"token": SECRET}}).load()
    for ask in (folder.read, folder.__getitem__):
        with pytest.raises(
            InputError,
            match=r"memory://here/x\.jpg cannot be had: RuntimeError: refused: token=\*\*\* at sftp://host\.",
        ):
            ask("x.jpg")


def test_bucket_that_is_not_there_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / BUCKET).mkdir()
    with serve_folder(tmp_path / BUCKET, BUCKET) as server:
        fs_args = {"endpoint_url": server.endpoint_url}
        dataset = ImageFolderDataset(path="s3://other/crops", credentials=server.credentials, fs_args=fs_args)
        folder = dataset.load()
        for ask in (folder.stats, partial(folder.read, "x.jpg"), partial(folder.write, "x.jpg", b"x")):
            with pytest.raises(InputError, match=r"s3://other/crops(/x\.jpg)? cannot be had: FileNotFoundError: "):
                ask()


def test_store_without_credentials_says_where_to_put_them(tmp_path: Path) -> None:
    folder = ImageFolderDataset(path="s3://bucket/crops", fs_args={"endpoint_url": "http://127.0.0.1:1"}).load()
    with pytest.raises(
        InputError, match=r"s3://bucket/crops/x\.jpg cannot be had: NoCredentialsError: .*`credentials:`"
    ):
        folder.read("x.jpg")
    folder = ImageFolderDataset(path="s3://bucket/crops", credentials={"profile_name": "nobody"}).load()
    with pytest.raises(InputError, match=r"s3://bucket/crops cannot be had: ProfileNotFound: .*nobody"):
        folder.stats()


def test_address_with_a_login_is_shown_without_it() -> None:
    dataset = ImageFolderDataset(path="sftp://me:password@host/crops")
    assert "sftp://host/crops" in str(dataset)
    assert "password" not in str(dataset) + repr(dataset.load()._root)


# The dataset


def test_dataset_of_a_remote_folder_connects_to_nothing_before_it_is_asked() -> None:
    dataset = ImageFolderDataset(path="s3://no-such-bucket/crops", fs_args={"endpoint_url": "http://127.0.0.1:1"})
    assert dataset.exists()
    assert str(dataset.load()) == "s3://no-such-bucket/crops"


@pytest.mark.parametrize("arguments", [{"path": "s4://bucket"}, {"path": "/x", "folders": {"old": "s4://bucket"}}])
def test_dataset_of_an_unknown_protocol_is_refused(arguments: Any) -> None:
    with pytest.raises(DatasetError, match="s4://bucket: the protocol is unknown: expected one of s3, "):
        ImageFolderDataset(**arguments)


def test_dataset_of_a_protocol_whose_package_is_absent_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    folder = ImageFolderDataset(path="gs://bucket/crops").load()
    with pytest.raises(InputError, match=r"gs://bucket/crops: .*gcsfs"):
        folder.read("x.jpg")


def test_dataset_of_a_file_url_is_a_local_folder(tmp_path: Path) -> None:
    assert ImageFolderDataset(path=f"file://{tmp_path}/crops").load().root == tmp_path / "crops"


def test_dataset_in_a_catalog_takes_its_credentials_by_name(store: Store) -> None:
    entry = {"type": "animl_kedro.datasets.image_folder.ImageFolderDataset", "path": store.url}
    if credentials := store.arguments.get("credentials"):
        entry |= {"credentials": "mine"}
    if fs_args := store.arguments.get("fs_args"):
        entry |= {"fs_args": fs_args}
    catalog = DataCatalog.from_config({"crop_images": entry}, {"mine": credentials or {}})
    catalog.load("crop_images").write("a.jpg", jpeg())
    assert catalog.load("crop_images")["a.jpg"].size == IMAGE_SIZE
    check_hidden(store.arguments.get("credentials", {}) if "moto" not in store.url else {}, str(catalog))
