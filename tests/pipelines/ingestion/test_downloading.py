"""Downloading from a real S3 server on this machine: all that can be fetched is, once, and the rest is told."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from animl_kedro.datasets.image_archive import ImageArchive
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.errors import InputError
from animl_kedro.files import TEMPORARY_SUFFIX
from animl_kedro.pipelines.ingestion.downloading import download
from animl_kedro.pipelines.ingestion.parameters import DownloadParams
from animl_kedro.sample.server import S3Server, serve_folder
from animl_kedro.tables import FileStatus
from archives import archive_of, content_of, write_archive
from factories import DATASET, make_images

SECRET = "wJalrXUtnFEMI-not-a-real-secret"
IMAGES = 30
MISSING = (3, 17, 29)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An archive of 30 images of which three are missing; the keys have colons, as Animl's do."""
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder, make_images(IMAGES), MISSING)
    (folder / "original" / "empty.jpg").write_bytes(b"")
    with serve_folder(folder, "downloads") as server:
        yield server


@pytest.fixture(scope="module")
def archive(served: S3Server) -> ImageArchive:
    return archive_of(served)


@pytest.fixture
def store(tmp_path: Path) -> ImageFolder:
    return ImageFolder(tmp_path / "store")


def present(images: pd.DataFrame) -> pd.DataFrame:
    """The images that the archive holds."""
    return images.drop(index=list(MISSING)).reset_index(drop=True)


def statuses(manifest: pd.DataFrame) -> set[str]:
    return set(manifest["status"])


@pytest.mark.parametrize("threads", [1, 3, 64])
def test_download_fetches_every_image_byte_for_byte(archive: ImageArchive, store: ImageFolder, threads: int) -> None:
    images = make_images(IMAGES)
    manifest = download(images, archive, store, DownloadParams(threads=threads))
    for number, row in enumerate(manifest.to_dict("records")):
        if number in MISSING:
            continue
        data = store.path_of(row["path"]).read_bytes()
        assert data == content_of(row["key"])
        assert row["path"] == f"{DATASET}/{images['file_name'][number]}"
        assert row["bytes"] == len(data)
        assert row["checksum"] == hashlib.md5(data).hexdigest()
        assert row["status"] == FileStatus.DOWNLOADED


def test_download_with_missing_keys_fetches_the_others_and_tells_which(
    archive: ImageArchive, store: ImageFolder
) -> None:
    images = make_images(IMAGES)
    manifest = download(images, archive, store, DownloadParams(threads=8))
    assert list(manifest["image_id"]) == list(images["image_id"])
    missing = manifest[manifest["status"] == FileStatus.MISSING]
    assert list(missing.index) == list(MISSING)
    assert missing[["path", "bytes", "checksum"]].isna().all(axis=None)
    assert missing["error"].iloc[0] == "s3://downloads has no key 'original/island:0003-original.jpg'"
    assert len(store) == IMAGES - len(MISSING)
    assert manifest["error"].notna().sum() == len(MISSING)


def test_download_of_images_that_are_there_needs_no_server(tmp_path: Path, store: ImageFolder) -> None:
    images = make_images(5)
    write_archive(tmp_path / "archive", images)
    with serve_folder(tmp_path / "archive", "gone") as server:
        archive = archive_of(server)
        first = download(images, archive, store, DownloadParams(threads=4))
    second = download(images, archive, store, DownloadParams(threads=4))
    assert statuses(first) == {FileStatus.DOWNLOADED}
    assert statuses(second) == {FileStatus.PRESENT}
    pd.testing.assert_frame_equal(first.drop(columns="status"), second.drop(columns="status"))


def test_download_again_fetches_only_what_is_absent(archive: ImageArchive, store: ImageFolder) -> None:
    images = present(make_images(IMAGES))
    first = download(images, archive, store, DownloadParams(threads=8))
    store.path_of(first["path"][4]).unlink()
    second = download(images, archive, store, DownloadParams(threads=8))
    assert second.index[second["status"] == FileStatus.DOWNLOADED].tolist() == [4]
    assert statuses(second.drop(index=4)) == {FileStatus.PRESENT}


def test_download_over_leftovers_of_a_killed_run_fetches_the_image(archive: ImageArchive, store: ImageFolder) -> None:
    images = make_images(1)
    target = store.path_of(f"{DATASET}/{images['file_name'][0]}")
    target.parent.mkdir(parents=True)
    target.with_name(f".0123456789ab{TEMPORARY_SUFFIX}").write_bytes(b"half")
    assert len(store) == 0
    manifest = download(images, archive, store, DownloadParams(threads=1))
    assert statuses(manifest) == {FileStatus.DOWNLOADED}
    assert list(store) == [manifest["path"][0]]
    assert target.read_bytes() == content_of(images["key"][0])


def test_download_over_an_empty_file_fetches_the_image(archive: ImageArchive, store: ImageFolder) -> None:
    images = make_images(1)
    target = store.path_of(f"{DATASET}/{images['file_name'][0]}")
    target.parent.mkdir(parents=True)
    target.touch()
    assert statuses(download(images, archive, store, DownloadParams(threads=1))) == {FileStatus.DOWNLOADED}
    assert target.read_bytes() == content_of(images["key"][0])


def test_download_of_an_empty_object_is_a_failure(archive: ImageArchive, store: ImageFolder) -> None:
    manifest = download(make_images(1, key=["original/empty.jpg"]), archive, store, DownloadParams(threads=1))
    assert statuses(manifest) == {FileStatus.FAILED}
    assert manifest["error"][0] == "the object in the archive is empty"
    assert len(store) == 0


def test_download_of_one_key_under_two_names_makes_two_files(archive: ImageArchive, store: ImageFolder) -> None:
    key = make_images(1)["key"][0]
    manifest = download(make_images(2, key=[key, key]), archive, store, DownloadParams(threads=2))
    assert statuses(manifest) == {FileStatus.DOWNLOADED}
    assert manifest["checksum"].nunique() == 1
    assert len(store) == 2


def test_download_of_no_images_gives_an_empty_manifest(archive: ImageArchive, store: ImageFolder) -> None:
    manifest = download(make_images(0), archive, store, DownloadParams(threads=4))
    assert len(manifest) == 0
    assert "status" in manifest


def test_download_of_a_shuffled_table_keeps_its_order_and_leaves_it_alone(
    archive: ImageArchive, store: ImageFolder
) -> None:
    images = make_images(8).sample(frac=1, random_state=3)
    before = images.copy(deep=True)
    manifest = download(images, archive, store, DownloadParams(threads=4))
    pd.testing.assert_frame_equal(images, before)
    assert list(manifest["image_id"]) == list(images["image_id"])


def test_download_below_a_prefix_puts_it_before_every_key(served: S3Server, store: ImageFolder) -> None:
    archive = archive_of(served, prefix="original/")
    key = make_images(1)["key"][0].removeprefix("original/")
    assert statuses(download(make_images(1, key=[key]), archive, store, DownloadParams(threads=1))) == {
        FileStatus.DOWNLOADED
    }


def test_download_from_a_bucket_that_is_none_is_refused_at_once(served: S3Server, store: ImageFolder) -> None:
    archive = archive_of(served, bucket="nowhere")
    with pytest.raises(InputError, match=r"s3://nowhere cannot be read: .*NoSuchBucket"):
        download(make_images(3), archive, store, DownloadParams(threads=2))


def test_download_with_wrong_credentials_is_refused_with_the_reason_and_without_the_secret(
    served: S3Server, store: ImageFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0.0)  # the server checks who asks
    credentials = {"aws_access_key_id": "AKIANOTREAL", "aws_secret_access_key": SECRET}
    with pytest.raises(InputError, match="InvalidAccessKeyId") as caught:
        download(make_images(3), archive_of(served, credentials=credentials), store, DownloadParams(threads=2))
    assert SECRET not in str(caught.value)
    assert len(store) == 0


def test_download_without_credentials_says_where_to_put_them(served: S3Server, store: ImageFolder) -> None:
    archive = archive_of(served, credentials=None)
    with pytest.raises(InputError, match=r"no credentials for the archive s3://downloads\. .*credentials.yml"):
        download(make_images(IMAGES), archive, store, DownloadParams(threads=4))
    assert len(store) == 0


def test_download_from_a_public_archive_needs_no_credentials(served: S3Server, store: ImageFolder) -> None:
    images = make_images(3)
    for key in images["key"]:
        archive_of(served).bucket.client.put_object_acl(Bucket=served.bucket, Key=key, ACL="public-read")
    archive = archive_of(served, credentials=None, anonymous=True)
    assert statuses(download(images, archive, store, DownloadParams(threads=2))) == {FileStatus.DOWNLOADED}


def test_download_to_a_place_that_cannot_be_written_is_a_failure_that_names_it(
    archive: ImageArchive, store: ImageFolder
) -> None:
    store.root.mkdir()
    (store.root / DATASET).write_text("a file where the folder should be")
    manifest = download(present(make_images(IMAGES)), archive, store, DownloadParams(threads=4))
    assert statuses(manifest) == {FileStatus.FAILED}
    assert manifest["error"].str.contains(f"{DATASET}.* cannot be written: Not a directory").all()


def test_download_below_a_folder_that_cannot_be_made_is_refused(archive: ImageArchive, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written to .*store: Not a directory"):
        download(make_images(1), archive, ImageFolder(tmp_path / "file" / "store"), DownloadParams())
