"""The archive as a mapping over a real S3 server, and as a catalog entry that keeps its secrets."""

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.image_archive import ImageArchive, ImageArchiveDataset, ImageArchivesDataset
from animl_kedro.datasets.object_errors import MissingKeyError, ObjectError
from animl_kedro.datasets.s3_bucket import S3Bucket
from animl_kedro.errors import InputError
from animl_kedro.images import UnreadableImageError
from animl_kedro.sample.server import S3Server, serve_folder
from factories import IMAGE_SIZE, write_jpeg

KIND = "animl_kedro.datasets.image_archive.ImageArchiveDataset"
SECRETS = {
    "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI-not-a-real-secret",
    "aws_session_token": "FwoGZXIvYXdzE-not-a-real-token",
}
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("archive")
    write_jpeg(folder / "original" / "island:1 ñ.jpg")
    write_jpeg(folder / "original" / "turned.jpg", orientation=8)
    (folder / "broken.jpg").write_bytes(b"no image")
    with serve_folder(folder, "archive") as server:
        yield server


@pytest.fixture(scope="module")
def archive(served: S3Server) -> ImageArchive:
    return archive_of(served)


def archive_of(server: S3Server, prefix: str = "", **options: Any) -> ImageArchive:
    options = {"endpoint_url": server.endpoint_url, "credentials": server.credentials} | options
    return ImageArchive(S3Bucket(server.bucket, **options), prefix)


def test_archive_is_a_mapping_of_keys_to_upright_images(archive: ImageArchive) -> None:
    assert isinstance(archive, Mapping)
    assert list(archive) == ["broken.jpg", "original/island:1 ñ.jpg", "original/turned.jpg"]
    assert len(archive) == 3
    assert archive["original/island:1 ñ.jpg"].size == IMAGE_SIZE
    assert archive["original/turned.jpg"].size == IMAGE_SIZE[::-1]
    assert archive["original/turned.jpg"].mode == "RGB"


def test_archive_without_a_key_raises_a_key_error_that_names_it(archive: ImageArchive) -> None:
    with pytest.raises(MissingKeyError) as caught:
        archive["original/none.jpg"]
    assert isinstance(caught.value, KeyError)
    assert str(caught.value) == "s3://archive has no key 'original/none.jpg'"
    assert archive.get("original/none.jpg") is None
    assert "original/none.jpg" not in archive


def test_archive_tells_what_it_holds_without_fetching_it(archive: ImageArchive) -> None:
    assert "original/turned.jpg" in archive
    assert "broken.jpg" in archive
    assert "original" not in archive
    something_else: object = 5
    assert something_else not in archive


def test_archive_that_refuses_to_tell_of_a_key_is_not_said_to_lack_it() -> None:
    archive = ImageArchive(S3Bucket("closed", endpoint_url=NOBODY, region="us-east-1", anonymous=True))
    with Stubber(archive.bucket.client) as stub:
        stub.add_client_error("head_object", "AccessDenied", http_status_code=403)
        with pytest.raises(ObjectError, match=r"s3://closed, key 'a\.jpg': 403"):
            "a.jpg" in archive  # noqa: B015


def test_archive_with_something_else_than_an_image_refuses_it(archive: ImageArchive) -> None:
    assert archive.read_bytes("broken.jpg") == b"no image"
    with pytest.raises(UnreadableImageError):
        archive["broken.jpg"]


def test_archive_below_a_prefix_has_keys_relative_to_it(served: S3Server) -> None:
    archive = archive_of(served, prefix="original/")
    assert list(archive) == ["island:1 ñ.jpg", "turned.jpg"]
    assert archive["turned.jpg"].size == IMAGE_SIZE[::-1]
    with pytest.raises(KeyError, match=r"no key 'original/none\.jpg'"):
        archive["none.jpg"]


def test_archive_of_more_keys_than_a_page_lists_them_all(tmp_path: Path) -> None:
    names = [f"{number:04d}.txt" for number in range(1005)]
    for name in names:
        (tmp_path / name).touch()
    with serve_folder(tmp_path, "pages") as server:
        assert list(archive_of(server)) == names


def test_archive_makes_one_client(archive: ImageArchive) -> None:
    assert archive.bucket.client is archive.bucket.client
    assert archive.bucket.session is archive.bucket.session


def test_archive_without_credentials_says_where_to_put_them(served: S3Server) -> None:
    archive = archive_of(served, credentials=None)
    with pytest.raises(InputError) as caught:
        archive["original/turned.jpg"]
    message = str(caught.value)
    assert "no credentials for the archive s3://archive" in message
    for advice in ("credentials.yml of the environment", "AWS_PROFILE", "anonymous: true"):
        assert advice in message


def test_archive_with_a_profile_that_is_none_names_it(served: S3Server) -> None:
    archive = archive_of(served, credentials={"profile_name": "ranger"})
    with pytest.raises(InputError, match=r"not usable: .*ranger"):
        archive["original/turned.jpg"]


def test_dataset_contacts_nobody_until_an_image_is_asked_for() -> None:
    dataset = ImageArchiveDataset(bucket="nowhere", endpoint_url=NOBODY)
    assert dataset.exists()
    assert isinstance(dataset.load(), ImageArchive)


def test_dataset_refuses_to_be_saved() -> None:
    with pytest.raises(DatasetError, match="s3://nowhere is an archive: it is read, never written"):
        ImageArchiveDataset(bucket="nowhere").save("data")  # type: ignore[arg-type]


def test_dataset_in_a_catalog_gives_the_archive(served: S3Server) -> None:
    catalog = DataCatalog.from_config(
        {
            "image_archive": {
                "type": KIND,
                "bucket": served.bucket,
                "prefix": "original/",
                "endpoint_url": served.endpoint_url,
                "region": "us-east-1",
                "credentials": "sample",
                "metadata": {"description": "The images in S3"},
            }
        },
        {"sample": served.credentials},
    )
    assert list(catalog.load("image_archive")) == ["island:1 ñ.jpg", "turned.jpg"]


def test_dataset_shows_no_credentials_in_any_text(served: S3Server) -> None:
    config: dict[str, dict[str, Any]] = {
        "image_archive": {
            "type": KIND,
            "bucket": served.bucket,
            "endpoint_url": served.endpoint_url,
            "credentials": "mine",
        }
    }
    catalog = DataCatalog.from_config(config, {"mine": SECRETS})
    dataset = catalog["image_archive"]
    with pytest.raises(DatasetError) as refused:
        dataset.save("data")
    with pytest.raises(KeyError) as missing:
        dataset.load()["none.jpg"]
    texts = [repr(dataset), str(dataset), repr(catalog), repr(dataset.load()), str(dataset._describe())]
    texts += [str(refused.value), str(missing.value)]
    assert [text for text in texts if any(secret in text for secret in SECRETS.values())] == []
    assert repr(dataset.load()) == "ImageArchive(s3://archive/)"


def test_archive_that_was_used_can_be_sent_to_another_process(archive: ImageArchive) -> None:
    assert len(archive) == 3
    assert len(pickle.loads(pickle.dumps(archive))) == 3


def test_archive_with_keys_ignores_the_profile_of_the_environment(
    served: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    archive = archive_of(served)
    assert len(archive) == 3


def test_archive_on_this_machine_is_reached_past_a_proxy(served: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, NOBODY)
    archive = archive_of(served)
    assert len(archive) == 3
    assert archive.read_bytes("broken.jpg") == b"no image"


def test_archive_with_credentials_in_another_form_says_which_form_is_right(served: S3Server) -> None:
    archive = archive_of(served, credentials={"key": "a", "secret": "b"})
    with pytest.raises(InputError, match=r"not usable: .*aws_access_key_id"):
        archive["original/turned.jpg"]


def archives_of(server: S3Server) -> ImageArchivesDataset:
    """An archive for each of two data sets: the server's bucket, and a part of it."""
    settings: dict[str, Any] = {
        "bucket": server.bucket,
        "endpoint_url": server.endpoint_url,
        "credentials": server.credentials,
    }
    return ImageArchivesDataset(datasets={"north": settings, "south": settings | {"prefix": "original/"}})


def test_archives_give_each_data_set_its_own(served: S3Server) -> None:
    archives = archives_of(served).load()
    assert list(archives) == ["north", "south"]
    assert len(archives) == 2
    assert archives["north"]["original/turned.jpg"].size == archives["south"]["turned.jpg"].size
    assert archives.of_dataset("south") is archives["south"]


def test_archive_of_all_data_sets_is_that_of_each(archive: ImageArchive) -> None:
    assert archive.of_dataset("any") is archive


def test_archives_without_one_for_a_data_set_name_those_that_there_are(served: S3Server) -> None:
    with pytest.raises(InputError, match=r"no archive for the data set 'east', only for 'north', 'south': add it"):
        archives_of(served).load().of_dataset("east")


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({}, "names no data set"),
        ({"../up": {"bucket": "b"}}, "cannot be the name of a data set"),
        ({"north": {"buckett": "b"}}, "'north' is not configured rightly: got an unexpected .* 'buckett'"),
        ({"north": {}}, "'north' is not configured rightly: missing .* argument: 'bucket'"),
    ],
)
def test_archives_dataset_with_wrong_settings_says_which(datasets: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        ImageArchivesDataset(datasets=datasets)


def test_archives_dataset_in_a_catalog_takes_the_credentials_of_each(served: S3Server) -> None:
    archive = {"bucket": served.bucket, "endpoint_url": served.endpoint_url, "credentials": "mine"}
    kind = "animl_kedro.datasets.image_archive.ImageArchivesDataset"
    config: dict[str, dict[str, Any]] = {"image_archive": {"type": kind, "datasets": {"north": archive}}}
    catalog = DataCatalog.from_config(config, {"mine": served.credentials})
    assert catalog["image_archive"].exists()
    assert len(catalog.load("image_archive")["north"]) == 3
    assert served.bucket in str(catalog["image_archive"])
    with pytest.raises(DatasetError, match="read, never written"):
        catalog["image_archive"].save("data")
