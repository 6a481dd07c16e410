"""The manifest of a run: what it tells, and what it keeps to itself."""

import getpass
import hashlib
import json
import shlex
import socket
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.io import DatasetError

from animl_kedro.errors import InputError
from animl_kedro.formats.export_files import export_checksum
from animl_kedro.run_manifest import hook, record
from animl_kedro.run_manifest.privacy import publishable, secrets_in
from animl_kedro.run_manifest.software import package_versions, source_commit
from animl_kedro.tables import Predictions
from factories import export_bytes, make_export
from projects import ROOT, Project
from reporting_factories import make_crops, make_history, make_predictions

SECRET = "wJalrXUtnFEMI-not-a-real-secret"


COUNT_CONFUSIONS = ["reporting.count_confusions"]
"""A node that is quick and takes the predictions alone."""


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project where the reporting has run once, with secrets in conf/local."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.configure("credentials", {"archive": {"aws_secret_access_key": SECRET, "profile_name": "reporting"}})
    project.configure("parameters", {"reporting": {"title": f"made with {SECRET}"}})
    predictions, catalog = make_predictions(), project.catalog
    catalog.save("predictions", predictions)
    catalog.save("crops", make_crops(predictions))
    catalog.save("training_history", make_history())
    project.run("reporting")
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with predictions to report on."""
    project = Project(tmp_path / "project")
    project.catalog.save("predictions", make_predictions())
    return project


def manifests(project: Project) -> list[dict[str, Any]]:
    """All manifests of a project, the oldest first."""
    paths = sorted((project.folder / "data" / "08_reporting").glob("run_manifest.json/*/run_manifest.json"))
    return [orjson.loads(path.read_bytes()) for path in paths]


def break_predictions(project: Project) -> None:
    """Cut the newest predictions off."""
    for path in project.folder.rglob("predictions.parquet/*/predictions.parquet"):
        path.write_bytes(path.read_bytes()[:1000])


def test_manifest_tells_what_ran_on_what_and_how_long_it_took(reported: Project) -> None:
    manifest = manifests(reported)[0]
    assert reported.catalog.load("run_manifest") in manifests(reported)
    assert (manifest["format"], manifest["format_version"]) == (record.FORMAT, 1)
    run, datasets = manifest["run"], manifest["datasets"]
    assert (run["status"], run["error"], run["environment"]) == ("completed", None, "local")
    assert run["selection"] == {"pipeline_names": ["reporting"]}
    versions = [f"{name}:{datasets[name]['version']}" for name in ("predictions", "training_history")]
    assert run["repeat"] == f"kedro run --pipelines=reporting --load-versions={','.join(versions)}"
    assert {node["status"] for node in manifest["nodes"]} == {"done"}
    assert all(0 <= node["seconds"] <= run["seconds"] for node in manifest["nodes"])
    assert datasets["predictions"].keys() == {"saved", "version", "rows"}
    assert (datasets["predictions"]["rows"], datasets["predictions"]["saved"]) == (108, False)
    assert datasets["report"] == {"saved": True, "version": run["version"]}
    crops = reported.folder / "data" / "03_primary" / "crops.parquet"
    assert datasets["crops"]["sha256"] == hashlib.sha256(crops.read_bytes()).hexdigest()
    seeds = {"dataset_split.seed": 0, "ingestion.selection.seed": 0, "modeling.seed": 0}
    assert manifest["seeds"].items() >= seeds.items()
    assert manifest["parameters"]["modeling"]["epochs"] == 25
    assert manifest["packages"].keys() >= {"animl-kedro", "kedro", "torch", "pandas"}
    assert manifest["exports"] == {}


def test_manifest_holds_neither_secrets_nor_the_machine_nor_the_person(reported: Project) -> None:
    manifest = manifests(reported)[0]
    text = json.dumps(manifest)
    assert manifest["parameters"]["reporting"]["title"] == "made with ***"
    assert "main_address" not in manifest["parameters"]["modeling"]
    for private in (SECRET, str(reported.folder), str(ROOT), str(Path.home()), socket.gethostname()):
        assert private not in text, private
    assert f"/{getpass.getuser()}/" not in text


def test_command_that_repeats_a_run_has_the_parameters_that_were_typed_but_no_machine() -> None:
    typed = {"modeling": {"epochs": 40, "weights": "/home/anna/b3.pt", "main_address": "trainer-0:29500"}}
    selection = {"env": "lila", "pipeline_names": ["modeling"], "runtime_params": typed}
    run = record.RunRecord({"run_id": "now", "project_path": "/home/anna/project", **selection}, {}, [], set())
    command = run.manifest({}, {}, None)["run"]["repeat"]
    expected = ["--env=lila", "--pipelines=modeling", "--params=modeling.epochs=40,modeling.weights=…/b3.pt"]
    assert shlex.split(command) == ["kedro", "run", *expected]


def test_manifest_of_a_run_that_failed_says_so_and_what_never_ran(project: Project) -> None:
    break_predictions(project)
    with pytest.raises(DatasetError):
        project.run("reporting", nodes=[*COUNT_CONFUSIONS, "reporting.plot_confusions"])
    (manifest,) = manifests(project)
    assert manifest["run"]["status"] == "failed"
    assert manifest["run"]["error"]["type"] == "DatasetError"
    assert {node["name"]: node["status"] for node in manifest["nodes"]} == {
        "reporting.count_confusions": "not run",
        "reporting.plot_confusions": "not run",
    }
    assert "confusion_matrix" not in manifest["datasets"]


def test_node_that_fails_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = Predictions.validate(make_predictions().drop(columns=["probability_skunk"]))
    project.catalog.save("predictions", labels)
    with pytest.raises(Exception, match="skunk"):
        project.run("reporting", nodes=COUNT_CONFUSIONS)
    (manifest,) = manifests(project)
    assert manifest["run"]["error"]["node"] == "reporting.count_confusions"
    assert [node["status"] for node in manifest["nodes"]] == ["failed"]
    assert manifest["datasets"].keys() == {"predictions"}


def test_run_that_is_refused_leaves_no_manifest(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with pytest.raises(InputError, match="Run first"):
        project.run("reporting")
    assert manifests(project) == []


def test_manifest_that_cannot_be_saved_does_not_hide_why_a_run_failed(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise DatasetError("no space left")

    monkeypatch.setattr(hook.RunManifestHook, "_save", refuse)
    break_predictions(project)
    with pytest.raises(DatasetError, match=r"predictions\.parquet"):
        project.run("reporting", nodes=COUNT_CONFUSIONS)
    assert "could not be saved: no space left" in caplog.text


def test_manifest_tells_the_checksum_of_the_export_also_in_later_runs(project: Project) -> None:
    export = project.folder / "export.json"
    export.write_bytes(export_bytes(make_export(0, [])))
    kind = "animl_kedro.datasets.label_exports.LabelExportsDataset"
    datasets = {"island": {"filepath": "export.json"}}
    project.configure("catalog", {"animl_export": {"type": kind, "datasets": datasets}})
    project.configure("parameters", {"ingestion": {"selection": {"labels": None}}})
    project.run("ingestion", nodes=["ingestion.read_export"])
    export.write_bytes(export_bytes(make_export(1)))  # which nobody has read yet
    project.run("reporting", nodes=COUNT_CONFUSIONS)
    first, second = manifests(project)
    expected = hashlib.sha256(export_bytes(make_export(0, []))).hexdigest()
    assert first["exports"] == {"island": {"sha256": expected, "read_by": first["run"]["version"]}}
    assert second["exports"] == first["exports"]


def test_manifest_after_a_damaged_one_tells_of_no_export(project: Project) -> None:
    folder = project.folder / "data" / "08_reporting" / "run_manifest.json" / "2026-01-01T00.00.00.000Z"
    folder.mkdir(parents=True)
    (folder / "run_manifest.json").write_text('{"exports": {"isl')
    project.run("reporting", nodes=COUNT_CONFUSIONS)
    assert project.catalog.load("run_manifest")["exports"] == {}


def test_export_checksum_of_a_package_is_of_its_tables_and_not_of_its_images(tmp_path: Path) -> None:
    for name in ("datapackage.json", "media.csv"):
        (tmp_path / name).write_text(name)
    before = export_checksum(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"a")
    assert export_checksum(tmp_path / "datapackage.json") == before
    (tmp_path / "media.csv").write_text("another")
    assert export_checksum(tmp_path) != before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/home/anna/project/data/weights.pt", "data/weights.pt"),
        ("/home/anna/weights.pt", "…/weights.pt"),
        ("~/weights.pt", "…/weights.pt"),
        ("C:\\Users\\anna\\weights.pt", "…/weights.pt"),
        ("file:///home/anna/weights.pt", "…/weights.pt"),
        ("s3://key:secret@bucket/weights.pt", "s3://bucket/weights.pt"),
        ("https://bucket.example.org/weights.pt?X-Amz-Signature=abc", "https://bucket.example.org/weights.pt"),
        ("tcp://scheduler.lan:8786", "tcp://…"),
        ("data/01_raw/megadetector", "data/01_raw/megadetector"),
        ("what? a fox/bird", "what? a fox/bird"),
    ],
)
def test_text_is_told_without_the_machine(text: str, told: str) -> None:
    assert publishable({"a": [text]}, Path("/home/anna/project")) == {"a": [told]}


@given(st.text(min_size=4), st.text(), st.text())
def test_secret_is_taken_out_wherever_it_stands(secret: str, before: str, after: str) -> None:
    secrets = secrets_in({"archive": {"client_kwargs": {"token": secret}}})
    told = publishable({before + secret + after: [before + secret + after]}, Path("/project"), secrets)
    (name, (value,)) = next(iter(told.items()))
    assert secret not in name.replace("***", "")
    assert secret not in value.replace("***", "")


def test_commit_is_told_of_a_repository_with_its_changes_and_of_nothing_else(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    source = tmp_path / "package" / "__init__.py"
    source.parent.mkdir()
    source.write_text("")
    assert source_commit(source) is None
    git("init", "--quiet")
    assert source_commit(source) is None
    git("add", ".")
    git("commit", "--quiet", "--message=a")
    assert source_commit(source) == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "conf.yml").write_text("a: 1")
    assert source_commit(source) == {"commit": git("rev-parse", "HEAD"), "dirty": True}


def test_package_versions_are_of_what_the_project_asks_for() -> None:
    versions = package_versions()
    assert versions["animl-kedro"] == "0.1.0"
    assert versions.keys() >= {"distributed", "moto"}  # of extras
    assert not versions.keys() & {"hypothesis", "pip"}


REPORTED = ("report.html", "average_precision.csv", "average_precision.json", "confusion_matrix.parquet")


def test_old_report_is_made_again_to_the_byte_from_its_versions(reported: Project) -> None:
    """What docs/reproduce.md says."""
    catalog = reported.catalog
    catalog.save("predictions", make_predictions(skill=0.5, seed=1))
    catalog.save("training_history", make_history(7))
    (first,) = manifests(reported)
    reported.run("reporting", load_versions=load_versions(first["run"]["repeat"]))

    for name in REPORTED:
        versions = sorted((reported.folder / "data" / "08_reporting" / name).glob(f"*/{name}"))
        old, again = (path.read_bytes() for path in versions)
        assert again == old, name
    _, second = manifests(reported)
    assert second["datasets"]["predictions"] == first["datasets"]["predictions"]
    assert second["datasets"]["crops"] == first["datasets"]["crops"]
    assert second["run"]["repeat"] == first["run"]["repeat"]


def load_versions(command: str) -> dict[str, str]:
    """The versions that a command names."""
    (option,) = (word for word in shlex.split(command) if word.startswith("--load-versions="))
    return dict(pair.split(":") for pair in option.partition("=")[2].split(","))


def test_version_that_is_not_there_is_told_with_those_that_are(project: Project) -> None:
    versions = project.folder / "data" / "07_model_output" / "predictions.parquet"
    (version,) = (path.name for path in versions.iterdir())
    asked = {"predictions": "2026-11-02T10.00.00.000Z"}
    with pytest.raises(InputError, match=f"predictions has no version '2026-11-02T.*'. The newest are {version}"):
        project.run("reporting", nodes=COUNT_CONFUSIONS, load_versions=asked)
