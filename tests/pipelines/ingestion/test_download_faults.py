"""Downloading from real S3 servers that misbehave: what can pass is tried again, and a rerun mends the rest."""

import multiprocessing
import random
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from animl_kedro.datasets import object_reader
from animl_kedro.datasets.image_archive import ImageArchive
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.datasets.s3_bucket import S3Bucket
from animl_kedro.errors import InputError
from animl_kedro.files import TEMPORARY_NAME
from animl_kedro.pipelines.ingestion.downloading import download
from animl_kedro.pipelines.ingestion.ledger import LEDGER, read_ledger
from animl_kedro.pipelines.ingestion.parameters import DownloadParams
from animl_kedro.sample.server import serve_folder
from animl_kedro.tables import FileStatus
from archives import content_of, write_archive
from factories import DATASET, make_images
from s3_servers import (
    DENIED,
    HANG,
    HANG_MID_BODY,
    MISSING,
    SERVER_ERROR,
    SLOW_DOWN,
    Fault,
    FaultyProxy,
    Flaw,
    Hang,
    Status,
    faulty_proxy,
    rclone_server,
)

IMAGES = 12
BUCKET = "faults"
PARAMS = DownloadParams(threads=6, attempts=3)
IMPATIENT = PARAMS.model_copy(update={"stall_timeout_s": 1.5})
"""For servers that hang. Others are waited for, lest a busy machine be taken for a fault."""

PASSING = [
    pytest.param(SERVER_ERROR, "500 InternalError", id="500"),
    pytest.param(SLOW_DOWN, "503 SlowDown", id="503"),
    pytest.param(Status(429, "TooManyRequests"), "429 TooManyRequests", id="429"),
    pytest.param(Status(408, "RequestTimeout"), "408 RequestTimeout", id="408"),
    pytest.param(Flaw.REFUSE, "error sending request", id="connection closed"),
    pytest.param(Flaw.RESET_MID_BODY, "body error", id="reset in mid-body"),
    pytest.param(Flaw.SHORT_BODY, "body error", id="short body"),
    pytest.param(Flaw.WRONG_BODY, "came with the MD5", id="wrong body"),
    pytest.param(Flaw.WRONG_ETAG, "came with the MD5", id="wrong ETag"),
    pytest.param(HANG, "did not answer in time", id="hanging"),
    pytest.param(HANG_MID_BODY, "did not answer in time", id="hanging in mid-body"),
]
FINAL = [
    pytest.param(DENIED, FileStatus.FAILED, "403 AccessDenied", id="access denied"),
    pytest.param(MISSING, FileStatus.MISSING, "has no key", id="missing"),
    pytest.param(Status(400, "InvalidRequest"), FileStatus.FAILED, "400 InvalidRequest", id="bad request"),
]


@pytest.fixture(scope="module", params=["moto", "rclone"])
def upstream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real S3 server with an archive; there are two kinds."""
    folder = tmp_path_factory.mktemp("served")
    write_archive(folder / BUCKET, make_images(IMAGES))
    with serve_folder(folder / BUCKET, BUCKET) if request.param == "moto" else rclone_server(folder) as server:
        yield server


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once, as these servers recover at once."""
    monkeypatch.setattr(object_reader, "FIRST_WAIT_S", 0.005)


@pytest.fixture
def store(tmp_path: Path) -> ImageFolder:
    return ImageFolder(tmp_path / "store")


def params_for(fault: Fault) -> DownloadParams:
    return IMPATIENT if isinstance(fault, Hang) else PARAMS


@contextmanager
def archive_behind(
    upstream: Any, faults: Callable[[str, int], Fault | None], latency_s: float = 0
) -> Iterator[tuple[ImageArchive, FaultyProxy]]:
    """The server's archive, seen through a proxy that misbehaves."""
    with faulty_proxy(upstream.endpoint_url, faults, latency_s=latency_s) as proxy:
        yield archive_at(proxy.endpoint_url, upstream.credentials), proxy


def archive_at(endpoint_url: str, credentials: dict[str, str]) -> ImageArchive:
    return ImageArchive(S3Bucket(BUCKET, endpoint_url=endpoint_url, region="us-east-1", credentials=credentials))


def check_whole(store: ImageFolder, images: pd.DataFrame) -> None:
    """The store holds these images, byte for byte, and no other file or leftover."""
    expected = {f"{DATASET}/{name}": key for name, key in zip(images["file_name"], images["key"], strict=True)}
    assert set(store) == set(expected)
    for path, key in expected.items():
        assert store.path_of(path).read_bytes() == content_of(key)
    assert leftovers(store) == []


def leftovers(store: ImageFolder) -> list[Path]:
    return [path for path in store.root.rglob("*") if TEMPORARY_NAME.fullmatch(path.name)]


@pytest.mark.parametrize(("fault", "text"), PASSING)
def test_download_with_a_fault_that_passes_brings_every_image(
    upstream: Any, store: ImageFolder, fault: Fault, text: str
) -> None:
    images = make_images(IMAGES)
    with archive_behind(upstream, lambda _, attempt: fault if attempt == 0 else None) as (archive, proxy):
        manifest = download(images, archive, store, params_for(fault))
    assert set(manifest["status"]) == {FileStatus.DOWNLOADED}, text
    assert set(proxy.requests.values()) == {2}
    check_whole(store, images)


@pytest.mark.parametrize(("fault", "text"), PASSING)
def test_download_with_a_fault_that_stays_tells_it_and_a_rerun_mends_it(
    upstream: Any, store: ImageFolder, fault: Fault, text: str
) -> None:
    images = make_images(IMAGES)
    bad = set(images["key"][:3])
    with archive_behind(upstream, lambda key, _: fault if key in bad else None) as (archive, proxy):
        manifest = download(images, archive, store, params_for(fault))
        assert {key: proxy.requests[key] for key in images["key"]} == {
            key: PARAMS.attempts if key in bad else 1 for key in images["key"]
        }
    failed = manifest[manifest["status"] == FileStatus.FAILED]
    assert set(failed["key"]) == bad
    assert failed["error"].str.contains(text, regex=False).all(), failed["error"].iloc[0]
    check_whole(store, images[~images["key"].isin(bad)])
    with archive_behind(upstream, lambda _key, _attempt: None) as (archive, proxy):
        again = download(images, archive, store, PARAMS)
    assert set(proxy.requests) == bad
    assert set(again["status"]) == {FileStatus.DOWNLOADED, FileStatus.PRESENT}
    check_whole(store, images)


@pytest.mark.parametrize(("fault", "status", "text"), FINAL)
def test_download_with_a_fault_that_cannot_pass_asks_once(
    upstream: Any, store: ImageFolder, fault: Fault, status: FileStatus, text: str
) -> None:
    images = make_images(IMAGES)
    bad = set(images["key"][:3])
    with archive_behind(upstream, lambda key, _: fault if key in bad else None) as (archive, proxy):
        manifest = download(images, archive, store, PARAMS)
    assert set(proxy.requests.values()) == {1}
    failed = manifest[manifest["path"].isna()]
    assert set(failed["key"]) == bad
    assert set(failed["status"]) == {status}
    assert failed["error"].str.contains(text, regex=False).all(), failed["error"].iloc[0]
    check_whole(store, images[~images["key"].isin(bad)])


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_download_with_credentials_that_are_refused_stops_and_shows_none(
    upstream: Any, store: ImageFolder, code: str
) -> None:
    with archive_behind(upstream, lambda _key, _attempt: Status(403, code)) as (archive, proxy):
        with pytest.raises(InputError, match=rf"s3://{BUCKET} cannot be read: 403 {code}\.") as caught:
            download(make_images(IMAGES), archive, store, PARAMS.model_copy(update={"threads": 1}))
        assert sum(proxy.requests.values()) == 1
    assert not any(secret in str(caught.value) for secret in upstream.credentials.values())
    assert leftovers(store) == []


def test_download_with_random_faults_ends_with_every_image(upstream: Any, store: ImageFolder) -> None:
    images = make_images(IMAGES)
    rng = random.Random(4)
    faults: list[Fault | None] = [SERVER_ERROR, SLOW_DOWN, *Flaw, None]
    with archive_behind(upstream, lambda _, attempt: rng.choice(faults) if attempt < 3 else None) as (archive, _):
        manifest = download(images, archive, store, PARAMS.model_copy(update={"attempts": 6}))
    assert set(manifest["status"]) == {FileStatus.DOWNLOADED}
    check_whole(store, images)


def test_download_onto_a_full_disk_stops_and_goes_on_when_there_is_room(upstream: Any, tmp_path: Path) -> None:
    images = make_images(IMAGES)
    size = sum(len(content_of(key)) for key in images["key"])
    store = ImageFolder(tmp_path / "disk" / "store")
    with small_disk(tmp_path / "disk", size) as resize:
        archive = archive_at(upstream.endpoint_url, upstream.credentials)
        with pytest.raises(InputError, match=r"No space left on device\. Make room"):
            download(images, archive, store, PARAMS)
        kept = set(store)
        assert 0 < len(kept) < IMAGES
        assert leftovers(store) == []
        resize(20 * size)
        manifest = download(images, archive, store, PARAMS)
        check_whole(store, images)
        there = manifest.loc[manifest["status"] == FileStatus.PRESENT, "path"]
        assert set(there) == kept


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[[int], None]]:
    """A file system of so many bytes at a folder; gives a function that makes it larger."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o"]
    made = subprocess.run([*mount, f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"no small disk can be mounted, which takes root: {made.stderr.decode()}")
    try:
        yield lambda larger: _run([*mount, f"remount,size={larger}", str(folder)])
    finally:
        _run(["umount", str(folder)])


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


# Runs that are killed, and runs at the same time

KILLS = 8
forkserver = multiprocessing.get_context("forkserver")
forkserver.set_forkserver_preload(["animl_kedro.pipelines.ingestion.downloading", "boto3", "factories"])


def download_in_this_process(root: Path, endpoint_url: str, credentials: dict[str, str]) -> None:
    """A run, for another process."""
    archive = archive_at(endpoint_url, credentials)
    manifest = download(make_images(IMAGES), archive, ImageFolder(root), DownloadParams(threads=3))
    assert manifest["path"].notna().all()


def start(root: Path, endpoint_url: str, credentials: dict[str, str]) -> Any:
    process = forkserver.Process(target=download_in_this_process, args=(root, endpoint_url, credentials))
    process.start()
    return process


def test_download_that_is_killed_at_any_moment_loses_nothing_that_was_whole(upstream: Any, tmp_path: Path) -> None:
    rng = random.Random(7)
    images = make_images(IMAGES)
    interrupted = 0
    with archive_behind(upstream, lambda _key, _attempt: None, latency_s=0.03) as (_, proxy):
        for number in range(KILLS):
            store = ImageFolder(tmp_path / f"store {number}")
            last = proxy.requests.total() + rng.randint(1, IMAGES)
            process = start(store.root, proxy.endpoint_url, upstream.credentials)
            while process.is_alive() and proxy.requests.total() < last:
                process.join(0.005)
            process.join(rng.uniform(0, 0.03))
            process.kill()
            process.join()
            whole = check_what_a_kill_left(store)
            interrupted += 0 < whole < IMAGES
            archive = archive_at(proxy.endpoint_url, upstream.credentials)
            manifest = download(images, archive, store, PARAMS)
            assert (manifest["status"] == FileStatus.PRESENT).sum() == whole
            assert (manifest["status"] == FileStatus.DOWNLOADED).sum() == IMAGES - whole
            check_whole(store, images)
    assert interrupted > KILLS // 4


def check_what_a_kill_left(store: ImageFolder) -> int:
    """Every file under its final name is whole, and the ledger says nothing untrue; how many there are."""
    keys = {f"{DATASET}/{name}": key for name, key in make_images(IMAGES)[["file_name", "key"]].to_numpy()}
    paths = list(store)
    for path in paths:
        assert store.path_of(path).read_bytes() == content_of(keys[path])
    assert set(read_ledger(store.root)) <= set(paths)
    return len(paths)


def test_two_downloads_at_once_into_one_folder_share_the_work(upstream: Any, tmp_path: Path) -> None:
    store = ImageFolder(tmp_path / "store")
    with archive_behind(upstream, lambda _key, _attempt: None, latency_s=0.05) as (_, proxy):
        processes = [start(store.root, proxy.endpoint_url, upstream.credentials) for _ in range(2)]
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0]
        assert set(proxy.requests.values()) == {1}
    check_whole(store, make_images(IMAGES))
    assert len((store.root / LEDGER).read_bytes().splitlines()) == IMAGES


def test_two_stores_of_one_adopted_folder_share_its_lock_and_the_work(upstream: Any, tmp_path: Path) -> None:
    images = make_images(IMAGES)
    shared = tmp_path / "shared"
    shared.mkdir()
    stores = [ImageFolder(tmp_path / name, {DATASET: shared}) for name in ("one", "two")]
    with archive_behind(upstream, lambda _key, _attempt: None, latency_s=0.05) as (archive, proxy):
        with ThreadPoolExecutor(2) as pool:
            manifests = list(pool.map(lambda store: download(images, archive, store, DownloadParams()), stores))
        assert set(proxy.requests.values()) == {1}
    assert {status for manifest in manifests for status in manifest["status"]} == {
        FileStatus.DOWNLOADED,
        FileStatus.PRESENT,
    }
    for store in stores:
        check_whole(store, images)
