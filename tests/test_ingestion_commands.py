"""The ingestion as a person runs it: what the command prints, writes, and keeps to itself."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from animl_kedro.sample.server import S3Server, serve_folder
from archives import archive_of, content_of, write_archive
from factories import DATASET, export_bytes, make_export, make_images
from projects import Project

IMAGES = 5
BUCKET = "commands"
SECRETS = {
    "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI-not-a-real-secret",
    "aws_session_token": "FwoGZXIvYXdzE-not-a-real-token",
}
DRY_RUN = "--params=ingestion.dry_run=true"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder, make_images(IMAGES), missing=[IMAGES - 1])
    with serve_folder(folder, BUCKET) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, served: S3Server) -> Project:
    """A project with an export of five images, of which the archive holds four."""
    project = Project(tmp_path)
    (tmp_path / "export.json").write_bytes(export_bytes(make_export(IMAGES)))
    project.configure("catalog", catalog_with("export.json", served))
    project.configure("credentials", {"archive": SECRETS})
    selection = {"labels": ["fox"]}
    project.configure("parameters", {"ingestion": {"selection": selection, "download": {"max_failed_fraction": 0.5}}})
    return project


def catalog_with(export: str, server: S3Server, **settings: Any) -> dict[str, Any]:
    """The two entries that a person writes."""
    kinds = "animl_kedro.datasets"
    sources = {DATASET: {"filepath": export} | settings}
    return {
        "animl_export": {"type": f"{kinds}.label_exports.LabelExportsDataset", "datasets": sources},
        "image_archive": {
            "type": f"{kinds}.image_archive.ImageArchiveDataset",
            "bucket": server.bucket,
            "endpoint_url": server.endpoint_url,
            "region": "us-east-1",
            "credentials": "archive",
        },
    }


def kedro(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--pipeline=ingestion", *arguments],
        cwd=project.folder,
        env=os.environ | {"COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )


def files_of(project: Project) -> set[Path]:
    """All files but what kedro-viz notes of every run, where it is installed."""
    files = {path.relative_to(project.folder) for path in project.folder.rglob("*") if path.is_file()}
    return {path for path in files if path.parts[0] != ".viz"}


def test_command_tells_what_became_of_every_record_and_image(project: Project) -> None:
    result = kedro(project)
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    assert "5 images: 5 kept, 0 rejected; 5 annotations: 5 kept, 0 rejected; 0 repaired or incomplete (none)" in text
    assert "5 images: 4 downloaded, 1 missing" in text
    store = project.folder / "data" / "02_intermediate" / "images" / DATASET
    for key, name in make_images(IMAGES - 1)[["key", "file_name"]].to_numpy():
        assert (store / name).read_bytes() == content_of(key)
    again = kedro(project)
    assert "5 images: 1 missing, 4 present" in again.stdout + again.stderr


def test_dry_run_tells_what_would_be_downloaded_and_touches_nothing(project: Project) -> None:
    before = files_of(project)
    result = kedro(project, DRY_RUN)
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    assert f"dry run, {DATASET}: 5 images, 0 there, 5 to download, about" in text
    assert "1 of 5 could not be had, the first: s3://commands has no key" in text
    assert make_images(1)["key"][0] in text
    assert "WARNING" not in text
    assert files_of(project) == before


def test_dry_run_of_more_than_the_ingestion_is_refused(project: Project) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "kedro", "run", DRY_RUN],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "A dry run is of the ingestion alone: kedro run --pipeline=ingestion" in result.stderr


def test_cut_off_export_is_refused_with_counts_and_goes_on_where_that_is_accepted(
    project: Project, served: S3Server
) -> None:
    data = export_bytes(make_export(IMAGES))
    (project.folder / "export.json").write_bytes(data[: data.index(b"label-0003")])
    result = kedro(project)
    assert result.returncode == 1
    assert "is cut off after" in result.stderr
    assert "with 5 whole images and 3 whole annotations" in result.stderr
    assert "ingestion.accept_cut_off=true" in result.stderr
    accepted = "--params=ingestion.accept_cut_off=true"
    without_names = kedro(project, accepted)
    assert without_names.returncode == 1
    assert "without the names of its categories" in without_names.stderr
    project.configure("catalog", catalog_with("export.json", served, categories={0: "empty", 1: "fox"}))
    result = kedro(project, accepted)
    assert result.returncode == 0, result.stderr
    assert "5 images: 3 kept, 2 rejected (2 no_label); 3 annotations: 3 kept" in result.stdout + result.stderr


def test_no_credential_is_printed_or_written_whatever_happens(project: Project) -> None:
    results = [kedro(project), kedro(project, DRY_RUN)]
    catalog = project.folder / "conf" / "local" / "catalog.yml"
    catalog.write_text(catalog.read_text(encoding="utf-8").replace(BUCKET, "no-such-bucket"), encoding="utf-8")
    (project.folder / "data" / "02_intermediate" / "images" / DATASET / "camera" / "0000.jpg").unlink()
    results += [kedro(project), kedro(project, "--traceback")]
    assert [result.returncode for result in results] == [0, 0, 1, 1]
    texts = [result.stdout + result.stderr for result in results]
    texts += [(project.folder / path).read_text(errors="replace") for path in files_of(project)]
    own = (project.folder / "conf" / "local" / "credentials.yml").read_text(encoding="utf-8")
    assert all(secret in own for secret in SECRETS.values())
    assert [text for text in texts if text != own and any(secret in text for secret in SECRETS.values())] == []


def test_lila_needs_no_account(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`kedro run --env=lila --pipeline=ingestion`, with nothing changed but the address of S3."""
    project = Project(tmp_path)
    path = project.folder / "conf" / "lila" / "catalog.yml"
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    archive = entries["image_archive"]
    names = [f"loc-{number}/image {number}.jpg" for number in range(3)]
    folder = tmp_path_factory.mktemp("lila")
    for name in names:
        (folder / archive["prefix"] / name).parent.mkdir(parents=True)
        (folder / archive["prefix"] / name).write_bytes(name.encode())
    write_metadata(project.folder / entries["animl_export"]["datasets"]["channel_islands"]["filepath"], names)
    with serve_folder(folder, archive["bucket"]) as server:
        for name in names:
            archive_of(server).bucket.client.put_object_acl(
                Bucket=server.bucket, Key=archive["prefix"] + name, ACL="public-read"
            )
        archive["endpoint_url"] = server.endpoint_url
        path.write_text(yaml.safe_dump(entries), encoding="utf-8")
        result = kedro(project, "--env=lila")
    assert result.returncode == 0, result.stderr
    store = project.folder / "data" / "lila" / "02_intermediate" / "images" / "channel_islands"
    assert [(store / name).read_bytes() for name in names] == [name.encode() for name in names]


def write_metadata(path: Path, names: list[str]) -> None:
    """A zip with labels as LILA publishes them."""
    images = [{"id": name, "file_name": name, "location": 7, "seq_id": "s1"} for name in names]
    labels = [{"id": f"label {name}", "image_id": name, "category_id": 1} for name in names]
    content = {"info": {}, "categories": [{"id": 1, "name": "fox"}], "images": images, "annotations": labels}
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("channel_islands_camera_traps.json", json.dumps(content))


def test_credentials_that_are_not_there_are_named_without_a_stack_trace(project: Project) -> None:
    (project.folder / "conf" / "local" / "credentials.yml").unlink()
    result = kedro(project)
    assert result.returncode == 1
    assert "Unable to find credentials 'archive'" in result.stderr
    assert "Traceback" not in result.stderr
