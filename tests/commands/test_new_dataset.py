"""`kedro animl new-dataset`: what it writes runs, and nothing is written over or out of the configuration."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from kedro.config import OmegaConfigLoader
from kedro.framework.project import settings
from kedro.framework.session import KedroSession
from kedro.framework.startup import ProjectMetadata, bootstrap_project

from animl_kedro.cli.new_dataset import new_dataset
from animl_kedro.datasets.input_file import InputFile
from animl_kedro.errors import InputError
from animl_kedro.formats.label_specification import parse_label_map
from animl_kedro.new_dataset.export import ExportSummary, Format, summarize
from animl_kedro.new_dataset.images import Bucket
from animl_kedro.new_dataset.texts import catalog_text, label_map_text, parameters_text
from animl_kedro.sample.server import S3Server, serve_folder
from archives import write_archive
from factories import annotation_record, export_bytes, image_record, make_export, make_images, write_jpeg
from projects import ROOT, Project
from s3_servers import in_environment

NAME = "santa_cruz"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    (project.folder / "export.json").write_bytes(export_bytes(make_export(3)))
    return project


def run_command(project: Project, *arguments: str) -> Result:
    metadata: ProjectMetadata = bootstrap_project(project.folder)
    return CliRunner().invoke(new_dataset, list(arguments), obj=metadata)


def create(project: Project, *arguments: str, name: str = NAME) -> Result:
    return run_command(project, name, "--export", str(project.folder / "export.json"), *arguments)


@pytest.fixture
def bucket(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A bucket with exports, found as a person's is: by the environment."""
    (tmp_path / "served" / "exports").mkdir(parents=True)
    (tmp_path / "served" / "exports" / "export.json").write_bytes((project.folder / "export.json").read_bytes())
    (tmp_path / "served" / "label_map.yml").write_text("fox: [fox]")
    with serve_folder(tmp_path / "served", "new-dataset") as server:
        in_environment(server, monkeypatch)
        yield server


def run_ingestion(project: Project) -> Any:
    """`kedro run --env=santa_cruz --pipeline=ingestion`; gives the catalog."""
    bootstrap_project(project.folder)
    created: Any = KedroSession.create(project.folder, env=NAME)  # annotated with less than a session has
    with created as session:
        session.run(pipeline_names=["ingestion"])
        return session.load_context().catalog


def configuration(project: Project) -> OmegaConfigLoader:
    return OmegaConfigLoader(str(project.folder / "conf"), env=NAME, **settings.CONFIG_LOADER_ARGS)


def test_configuration_for_a_bucket_runs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = project.folder.parent / "archive"
    write_archive(archive, make_images(3))
    with serve_folder(archive, "new-dataset") as server:
        result = create(project, f"--images-from=s3://{server.bucket}")
        assert result.exit_code == 0, result.output
        assert "Animl's COCO Camera Traps: 3 images, 3 labels of animals" in result.output
        assert "kedro run --env=santa_cruz --pipeline=ingestion --params=ingestion.dry_run=true" in result.output
        in_environment(server, monkeypatch)
        catalog = run_ingestion(project)
    assert catalog.load("image_files")["status"].tolist() == ["downloaded"] * 3
    assert (project.folder / "data" / NAME / "02_intermediate" / "images" / NAME / "camera" / "0000.jpg").is_file()
    assert catalog.load("label_map").classes["fox"].labels
    assert not (project.folder / "data" / "02_intermediate").exists()


def test_configuration_for_a_folder_runs_and_adopts_its_images(project: Project, tmp_path: Path) -> None:
    records = [{name: value for name, value in image_record(0).items() if name != "serving_bucket_key"}]
    (project.folder / "export.json").write_bytes(export_bytes(make_export(records)))
    write_jpeg(tmp_path / "photographs" / "camera" / "0000.jpg")
    result = create(project, f"--images-from={tmp_path / 'photographs'}")
    assert result.exit_code == 0, result.output
    assert "COCO Camera Traps: 1 images" in result.output
    catalog = run_ingestion(project)
    assert catalog.load("image_files")["status"].tolist() == ["present"]
    assert catalog.load("image_store")["island:0000"].mode == "RGB"


def test_export_of_animl_without_a_place_is_of_animls_bucket(project: Project) -> None:
    assert create(project).exit_code == 0
    entries = configuration(project)["catalog"]
    assert entries["image_archive"]["bucket"] == "animl-images-serving-prod"
    assert entries["animl_export"]["datasets"] == {NAME: {"filepath": "export.json", "key": "{serving_bucket_key}"}}
    assert entries["report"]["filepath"] == f"data/{NAME}/08_reporting/report.html"


def test_parameters_are_those_of_animls_archive_but_for_the_title() -> None:
    animls = yaml.safe_load((ROOT / "conf" / "animl" / "parameters.yml").read_text(encoding="utf-8"))
    animls["reporting"]["title"] = "Species classifier for island"
    assert yaml.safe_load(parameters_text("island")) == animls


def test_export_in_a_bucket_is_read_there_and_named_by_its_url(project: Project, bucket: S3Server) -> None:
    result = run_command(project, NAME, "--export", f"s3://{bucket.bucket}/exports/export.json")
    assert result.exit_code == 0, result.output
    assert "Animl's COCO Camera Traps: 3 images, 3 labels of animals" in result.output
    export = configuration(project)["catalog"]["animl_export"]
    assert export["datasets"][NAME]["filepath"] == f"s3://{bucket.bucket}/exports/export.json"


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("none.json", "There is no export at s3://new-dataset/none.json"),
        ("label_map.yml", "s3://new-dataset/label_map.yml is not JSON"),
        ("exports", "s3://new-dataset/exports is a folder, expected a file"),
        ("exports/datapackage.json", "pack the folder into a .zip"),
        ("", "s3://new-dataset names no file"),
    ],
)
def test_export_in_a_bucket_that_cannot_be_used_is_told_by_its_url(
    project: Project, bucket: S3Server, key: str, fault: str
) -> None:
    result = run_command(project, NAME, "--export", f"s3://{bucket.bucket}/{key}")
    assert result.exit_code == 1
    assert fault in result.output
    assert not (project.folder / "conf" / NAME).exists()


@pytest.mark.parametrize(
    "address",
    ["https://example.org/export.json?X-Amz-Signature=SIGNED", "sftp://anna:SIGNED@example.org/export.json"],
)
def test_export_whose_url_holds_a_secret_is_refused_without_telling_it(project: Project, address: str) -> None:
    result = run_command(project, NAME, "--export", address)
    assert result.exit_code == 1
    assert "has a login or a signature in it" in result.output
    assert "SIGNED" not in result.output


@pytest.mark.parametrize(
    ("record", "kind", "key"),
    [
        ({"serving_bucket_key": "a", "file_name": "b"}, Format.ANIML, "{serving_bucket_key}"),
        ({"filePath": "a", "file_name": "b"}, Format.CAMTRAP_DP, "{filePath}"),
        ({"file_name": "b"}, Format.COCO_CAMERA_TRAPS, "{file_name}"),
    ],
)
def test_format_is_told_by_what_images_have(tmp_path: Path, record: dict[str, str], kind: Format, key: str) -> None:
    export = tmp_path / "export.json"
    export.write_bytes(export_bytes(make_export([record | {"id": "island:0000"}], [annotation_record(0)])))
    summary = summarize(InputFile(str(export)))
    assert (summary.format, summary.key, summary.labels) == (kind, key, {"fox": 1})


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../elsewhere", "cannot be the name of a data set and its folder"),
        ("/etc/cron.d", "cannot be the name of a data set and its folder"),
        ("a\nb: {type: x}", "cannot be the name of a data set and its folder"),
        ("${oc.env:HOME}", "cannot be the name of a data set and its folder"),
        ("con", "has the device name"),
        ("", "cannot be the name of a data set and its folder"),
        ("base", "There is 'base' in conf already"),
        ("LILA", "There is 'lila' in conf already"),
        ("local", "There is 'local' in conf already"),
        ("credentials", "which git ignores and `kedro package` refuses to pack"),
        ("Credentials_of_the_island", "cannot be the name of a configuration"),
    ],
)
def test_name_that_cannot_be_is_refused_and_nothing_is_written(project: Project, name: str, fault: str) -> None:
    before = sorted(project.folder.rglob("*"))
    result = create(project, name=name)
    assert result.exit_code == 1
    assert fault in result.output
    assert sorted(project.folder.rglob("*")) == before


def test_second_dataset_of_a_name_is_refused(project: Project) -> None:
    assert create(project).exit_code == 0
    catalog = project.folder / "conf" / NAME / "catalog.yml"
    catalog.write_text("# mine")
    assert "nothing is overwritten" in create(project).output
    assert catalog.read_text() == "# mine"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "There is no export at"),
        (b"not an export", "export.json"),
        (b'{"images": [{"id": "a"}], "annotations": [', "is cut off"),
        (export_bytes(make_export(0)), "holds no image"),
        (export_bytes(make_export(1, [])), "holds no label"),
        (export_bytes(make_export([{"id": "a"}], [annotation_record(0)])), "have none of the fields"),
        (
            export_bytes(make_export(1, categories=[{"id": 1, "name": "Person"}])),
            "labels of people and vehicles only",
        ),
    ],
)
def test_export_that_cannot_be_used_is_told_in_words(project: Project, content: bytes | None, fault: str) -> None:
    path = project.folder / "export.json"
    path.unlink() if content is None else path.write_bytes(content)
    result = create(project)
    assert result.exit_code == 1
    assert fault in result.output
    assert "Traceback" not in result.output
    assert not (project.folder / "conf" / NAME).exists()


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("https://example.org/images", "neither a folder nor a bucket"),
        ("s3://", "neither a folder nor a bucket"),
        ("s3://bucket/${oc.env:HOME}", "begins a reference"),
        ("no/such/folder", "There is no folder"),
    ],
)
def test_place_of_images_that_is_none_is_told_in_words(project: Project, place: str, fault: str) -> None:
    result = create(project, f"--images-from={place}")
    assert (result.exit_code, "Traceback" in result.output) == (1, False)
    assert fault in result.output
    assert not (project.folder / "conf" / NAME).exists()


def test_export_of_others_without_a_place_asks_for_it(project: Project) -> None:
    records = [{"id": "island:0000", "file_name": "a.jpg"}]
    (project.folder / "export.json").write_bytes(export_bytes(make_export(records)))
    assert "--images-from=s3://bucket/prefix" in create(project).output


def test_error_with_traceback_shows_the_stack_trace(project: Project) -> None:
    metadata = bootstrap_project(project.folder)
    arguments = [NAME, "--export", "absent.json", "--traceback"]
    assert isinstance(CliRunner().invoke(new_dataset, arguments, obj=metadata).exception, InputError)


def test_label_map_has_a_class_for_every_animal_and_none_for_people(project: Project) -> None:
    categories = [
        {"id": 0, "name": "empty"},
        {"id": 1, "name": "fox"},
        {"id": 2, "name": "Human"},
        {"id": 3, "name": "owl"},
    ]
    annotations = [annotation_record(n, category_id=n % 4) for n in range(7)]
    annotations += [annotation_record(7, category_id=3, validated=False)]
    export = make_export(8, annotations, categories)
    (project.folder / "export.json").write_bytes(export_bytes(export))
    assert create(project).exit_code == 0
    text = (project.folder / "conf" / NAME / "label_map.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == {"fox": ["fox"], "owl": ["owl"]}
    assert "fox: [fox] # 2" in text


HOSTILE = st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable())


@given(st.dictionaries(HOSTILE, st.integers(0, 10**7), min_size=1))
def test_label_map_holds_labels_as_they_are_whatever_they_are(labels: dict[str, int]) -> None:
    text = label_map_text(labels)
    assert yaml.safe_load(text) == {label: [label] for label in labels}
    parse_label_map(text.encode(), "the label map")


@given(HOSTILE, HOSTILE)
def test_paths_stand_in_the_catalog_as_they_are(path: str, prefix: str) -> None:
    export = ExportSummary(Format.ANIML, 1, {"fox": 1})
    if "${" in path + prefix:
        with pytest.raises(InputError, match="begins a reference"):
            catalog_text(NAME, path, export, Bucket("bucket", prefix))
        return
    entries = yaml.safe_load(catalog_text(NAME, path, export, Bucket("bucket", prefix)))
    assert entries["animl_export"]["datasets"][NAME]["filepath"] == path
    assert entries["image_archive"]["prefix"] == prefix
    assert entries.keys() == {"animl_export", "image_archive", "label_map"}
    assert json.dumps(entries)
