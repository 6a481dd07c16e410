"""A detector's weights: which file it is, what it is called after, and that nothing else is taken for it."""

import hashlib
import io
import logging
from email.message import Message
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from animl_kedro.errors import InputError
from animl_kedro.pipelines.detection_cropping import detector_weights
from animl_kedro.pipelines.detection_cropping.detector_models import MODELS, DetectorModel, Release
from animl_kedro.pipelines.detection_cropping.detector_weights import detector_version, find_weights
from animl_kedro.pipelines.detection_cropping.parameters import DetectorParams

CONTENT = b"the weights of v5b"
OLD_CONTENT = b"the weights of v5b, as they were first published"
URL = "https://models.test/md_v5b.0.1.pt"


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """A v5b whose files are short."""
    releases = (Release(URL, md5(CONTENT)), Release(URL.replace("0.1", "0.0"), md5(OLD_CONTENT)))
    model = DetectorModel("v5b", "5.0b", releases)
    monkeypatch.setattr(detector_weights, "MODELS", (MODELS[0], model))
    monkeypatch.setattr(detector_weights, "known_model", lambda _: model)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "megadetector"


@pytest.fixture
def params(folder: Path) -> DetectorParams:
    return DetectorParams(weights_folder=str(folder))


def serve(monkeypatch: pytest.MonkeyPatch, answer: bytes | Exception) -> list[str]:
    """Answer every request so; gives the addresses that were asked for."""
    asked: list[str] = []

    def open_url(url: str, timeout: float) -> io.BytesIO:
        assert timeout > 0
        asked.append(url)
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    monkeypatch.setattr("urllib.request.urlopen", open_url)
    return asked


# Files of one's own


def own(tmp_path: Path, data: bytes, **changes: Any) -> DetectorParams:
    path = tmp_path / "my weights.pt"
    path.write_bytes(data)
    return DetectorParams(weights=str(path), **changes)


def test_own_file_is_called_by_the_models_name_and_its_content(tmp_path: Path) -> None:
    params = own(tmp_path, b"mine", model="fox finder")
    assert detector_version(params) == f"fox-finder-{hashlib.sha256(b'mine').hexdigest()[:8]}"
    assert find_weights(params) == tmp_path / "my weights.pt"


def test_own_file_with_the_name_of_a_published_model_is_not_taken_for_it(tmp_path: Path) -> None:
    version = detector_version(own(tmp_path, b"mine", model="v5b"))
    assert version == f"5.0b-{hashlib.sha256(b'mine').hexdigest()[:8]}"


@pytest.mark.parametrize("data", [CONTENT, OLD_CONTENT])
def test_own_file_that_is_a_published_one_is_called_so_whatever_its_name(tmp_path: Path, data: bytes) -> None:
    assert detector_version(own(tmp_path, data, model="something")) == "5.0b"


@pytest.mark.parametrize("name", ["none.pt", ""])
def test_own_file_that_is_absent_or_a_folder_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(InputError, match=r"weights .* cannot be read") as caught:
        detector_version(DetectorParams(weights=str(path)))
    assert str(path) in str(caught.value)
    assert "`weights:`" in str(caught.value)


# Published files


def test_version_of_a_named_model_needs_no_file(params: DetectorParams, folder: Path) -> None:
    assert detector_version(params) == "5.0b"
    assert not folder.exists()


@pytest.mark.parametrize(("name", "data"), [("md_v5b.0.1.pt", CONTENT), ("md_v5b.0.0.pt", OLD_CONTENT)])
def test_file_in_the_folder_is_used(
    params: DetectorParams, folder: Path, name: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(monkeypatch, CONTENT)
    folder.mkdir()
    (folder / name).write_bytes(data)
    assert find_weights(params) == folder / name
    assert not asked


def test_file_in_the_folder_that_is_another_one_is_refused(params: DetectorParams, folder: Path) -> None:
    folder.mkdir()
    path = folder / "md_v5b.0.1.pt"
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match="is not the file of") as caught:
        find_weights(params)
    assert all(part in str(caught.value) for part in (str(path), URL, md5(CONTENT), md5(CONTENT[:-1])))
    assert path.read_bytes() == CONTENT[:-1]


def test_file_that_is_absent_is_downloaded(
    params: DetectorParams, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asked = serve(monkeypatch, CONTENT)
    assert find_weights(params) == folder / "md_v5b.0.1.pt"
    assert (folder / "md_v5b.0.1.pt").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == ["md_v5b.0.1.pt"]
    assert URL in caplog.text
    assert find_weights(params) == folder / "md_v5b.0.1.pt"
    assert asked == [URL]


@pytest.mark.parametrize(
    "error",
    [
        URLError("no such host"),
        HTTPError(URL, 404, "Not Found", Message(), None),
        TimeoutError("timed out"),
        IncompleteRead(b"x"),
    ],
)
def test_download_that_fails_says_what_to_fetch_and_where_to_put_it(
    params: DetectorParams, folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    serve(monkeypatch, error)
    with pytest.raises(InputError, match="cannot be downloaded") as caught:
        find_weights(params)
    assert all(part in str(caught.value) for part in ("5.0b", URL, str(folder / "md_v5b.0.1.pt"), "`weights:`"))
    assert not list(folder.iterdir())


def test_download_of_something_else_is_refused_and_not_kept(
    params: DetectorParams, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, b"<html>please log in</html>")
    with pytest.raises(InputError, match=r"md_v5b\.0\.1\.pt is not the file of"):
        find_weights(params)
    assert not list(folder.iterdir())
