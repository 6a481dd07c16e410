"""`kedro animl status`: true of what is there, without loading it, and never a stack trace."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from animl_kedro.cli.status import status
from animl_kedro.status.screen import age
from animl_kedro.status.stages import STAGES
from projects import ROOT, Project

VERSION = "2026-11-02T10.00.00.000Z"
HEAVY = {"boto3", "dask", "lightning", "matplotlib", "moto", "pandas", "pandera", "scipy", "sklearn", "torch"}
EARLIER, LATER = 1_780_000_000, 1_790_000_000
TABLES = {
    "02_intermediate/images.parquet": 1234,
    "02_intermediate/annotations.parquet": 2345,
    "03_primary/crops.parquet": 777,
}
VERSIONED_TABLES = {"05_model_input/splits.parquet": 776, "07_model_output/predictions.parquet": 775}
JSON_FILES: dict[str, Any] = {
    "05_model_input/label_index.json": {"0": "bird", "1": "fox"},
    "08_reporting/average_precision.json": {"test": {"means": {"macro": {"average_precision": 0.98765}}}},
    "08_reporting/report.html": "<!doctype html>",
    "08_reporting/run_manifest.json": {"run": {"status": "completed"}},
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def walked(project: Project) -> Project:
    """A project with files as a run of everything leaves them, all of them of one time."""
    data = project.folder / "data"
    for name, rows in TABLES.items():
        write_table(data / name, rows)
    paths = {"path": ["a.jpg"] * 1200 + [None] * 34}
    pd.DataFrame(paths).to_parquet(data / "02_intermediate" / "image_files.parquet")
    for name, rows in VERSIONED_TABLES.items():
        write_table(versioned(data / name), rows)
    for name, content in JSON_FILES.items():
        write_json(versioned(data / name), content)
    classifier = versioned(data / "06_models" / "classifier")
    write_json(classifier / "classifier.json", {"backbone": "efficientnet-b3"})
    (classifier / "weights.safetensors").write_bytes(b"")
    for path in [*data.rglob("*"), *(project.folder / "conf").rglob("*")]:
        os.utime(path, (EARLIER, EARLIER))
    return project


def versioned(path: Path, version: str = VERSION) -> Path:
    return path / version / path.name


def write_table(path: Path, rows: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"a": range(rows)}).to_parquet(path)


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def screen(project: Project, *arguments: str) -> str:
    """What the command prints, in one line a pipeline; it must end well."""
    result = CliRunner(env={"COLUMNS": "300"}).invoke(status, arguments, obj=bootstrap_project(project.folder))
    assert result.exit_code == 0, result.output
    return result.output


def row_of(text: str, pipeline: str) -> str:
    (row,) = (line for line in text.splitlines() if line.strip().startswith(pipeline))
    return " ".join(row.split())


@pytest.mark.parametrize(
    ("env", "following"),
    [
        (None, "kedro run"),
        ("base", "kedro run --env=base"),
        ("cluster", "kedro run --env=cluster"),
        ("animl", "put the export of labels at data/01_raw/animl_export.json kedro run --env=animl"),
        ("lila", "put the export of labels at data/01_raw/channel_islands_camera_traps.zip kedro run --env=lila"),
    ],
)
def test_status_without_data_says_what_to_do_first(project: Project, env: str | None, following: str) -> None:
    text = screen(project, *([f"--env={env}"] if env else []))
    assert text.count("not run yet") == 5
    assert " ".join(text.partition("Next:")[2].split()) == following
    assert not (project.folder / "data").exists()


def test_status_tells_what_is_there_and_since_when(walked: Project) -> None:
    text = screen(walked)
    assert "up to date 1,234 images, 2,345 labels, 1,200 files (34 absent)" in row_of(text, "ingestion")
    assert "up to date 777 crops" in row_of(text, "detection_cropping")
    assert "up to date 776 crops in splits, 2 classes" in row_of(text, "dataset_split")
    assert "up to date a classifier (efficientnet-b3), 775 predictions" in row_of(text, "modeling")
    assert "up to date macro average precision 0.988, the report" in row_of(text, "reporting")
    local = datetime(2026, 11, 2, 10, tzinfo=UTC).astimezone()
    assert f"{local:%Y-%m-%d %H:%M}" in row_of(text, "reporting")
    assert "inference" not in text
    assert text.rstrip().endswith("Everything is up to date.")


def test_status_tells_of_the_newest_version(walked: Project) -> None:
    later = "2026-11-03T10.00.00.000Z"
    folder = walked.folder / "data" / "07_model_output" / "predictions.parquet"
    write_table(versioned(folder, later), 9)
    (folder / f"{later}.part").mkdir()
    assert "9 predictions" in row_of(screen(walked), "modeling")


def test_results_that_are_older_than_their_inputs_are_out_of_date_and_so_is_what_follows(walked: Project) -> None:
    os.utime(walked.folder / "data" / "03_primary" / "crops.parquet", (LATER, LATER))
    text = screen(walked)
    assert "up to date" in row_of(text, "detection_cropping")
    assert "out of date: crops is newer than splits" in row_of(text, "dataset_split")
    assert "out of date: dataset_split comes first" in row_of(text, "modeling")
    assert text.rstrip().endswith("kedro run --pipelines=dataset_split,modeling,reporting")


def test_label_map_that_was_changed_makes_the_splits_out_of_date(walked: Project) -> None:
    os.utime(walked.folder / "conf" / "base" / "label_map.yml", (LATER, LATER))
    assert "out of date: label_map is newer than splits" in row_of(screen(walked), "dataset_split")


def test_absent_part_of_the_results_is_named(walked: Project) -> None:
    versioned(walked.folder / "data" / "08_reporting" / "report.html").unlink()
    text = screen(walked)
    assert "incomplete: report is absent" in row_of(text, "reporting")
    assert text.rstrip().endswith("kedro run --pipelines=reporting")


@pytest.mark.parametrize(
    ("file", "pipeline", "fault"),
    [
        ("03_primary/crops.parquet", "detection_cropping", "crops cannot be read"),
        (f"05_model_input/label_index.json/{VERSION}/label_index.json", "dataset_split", "label_index cannot be read"),
        (f"06_models/classifier/{VERSION}/classifier/classifier.json", "modeling", "classifier cannot be read"),
        (
            f"08_reporting/average_precision.json/{VERSION}/average_precision.json",
            "reporting",
            "average_precision_json",
        ),
    ],
)
@pytest.mark.parametrize("content", [b"", b"PAR1 cut off", b"[]", b"\xff\x00"])
def test_damaged_file_is_told_and_not_a_stack_trace(
    walked: Project, file: str, pipeline: str, fault: str, content: bytes
) -> None:
    path = walked.folder / "data" / file
    path.write_bytes(content)
    os.utime(path, (EARLIER, EARLIER))
    text = screen(walked)
    if (file.endswith("label_index.json"), content) != (True, b"[]"):  # no class at all is at least readable
        assert f"cannot be read: {fault}" in row_of(text, pipeline)
        assert pipeline in text.partition("Next:")[2]


def test_weights_that_are_absent_make_the_classifier_unreadable(walked: Project) -> None:
    next(walked.folder.rglob("weights.safetensors")).unlink()
    assert "cannot be read: classifier" in row_of(screen(walked), "modeling")


def test_last_run_that_failed_is_told(walked: Project) -> None:
    path = versioned(walked.folder / "data" / "08_reporting" / "run_manifest.json")
    write_json(path, {"run": {"status": "failed", "error": {"type": "InputError", "node": "modeling.train"}}})
    assert "The last run failed at modeling.train (InputError)" in screen(walked)
    path.write_text("{")
    assert "The manifest of the last run cannot be read." in screen(walked)


def test_results_in_a_bucket_that_cannot_be_reached_are_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure("globals", {"data": "no-such-protocol://bucket"})
    assert "the protocol is unknown" in row_of(screen(project), "ingestion")


def test_results_in_a_store_are_counted(project: Project) -> None:
    project.configure("globals", {"data": "memory://results"})
    write_table(project.folder / "images.parquet", 12)
    MemoryFileSystem().put_file(str(project.folder / "images.parquet"), "/results/02_intermediate/images.parquet")
    assert "incomplete: annotations is absent 12 images" in row_of(screen(project), "ingestion")
    MemoryFileSystem.store.clear()


@pytest.mark.parametrize(
    ("url", "following"),
    [
        ("memory://exports/island.json", "kedro run"),
        ("memory://exports/none.json", "put the export of labels at memory://exports/none.json kedro run"),
        ("memory://exports", "memory://exports names no file: expected a URL such as s3://bucket/folder/file.json."),
    ],
)
def test_export_in_a_store_is_asked_for_where_it_is_absent(project: Project, url: str, following: str) -> None:
    MemoryFileSystem().pipe_file("/exports/island.json", b"{}")
    project.configure("catalog", {"animl_export": {"type": "any", "datasets": {"island": {"filepath": url}}}})
    assert " ".join(screen(project).partition("Next:")[2].split()).startswith(following)
    MemoryFileSystem.store.clear()


def test_images_that_are_older_than_their_export_in_a_store_are_out_of_date(walked: Project) -> None:
    MemoryFileSystem().pipe_file("/exports/island.json", b"{}")  # just now
    source = {"island": {"filepath": "memory://exports/island.json"}}
    walked.configure("catalog", {"animl_export": {"type": "any", "datasets": source}})
    assert "out of date: animl_export is newer than" in row_of(screen(walked), "ingestion")
    MemoryFileSystem.store.clear()


@pytest.mark.parametrize("text", ["a: [", "images: {type: x, filepath: '${globals:none}'}", "- a"])
def test_configuration_that_cannot_be_read_is_told(project: Project, text: str) -> None:
    (project.folder / "conf" / "local" / "catalog.yml").write_text(text)
    result = CliRunner().invoke(status, [], obj=bootstrap_project(project.folder))
    assert result.exit_code == 1
    assert result.output.startswith("Error: The catalog cannot be read")


def test_unknown_environment_is_told_with_those_that_there_are(project: Project) -> None:
    result = CliRunner().invoke(status, ["--env=anmil"], obj=bootstrap_project(project.folder))
    assert (
        result.output == "Error: There is no environment 'anmil' in conf: one of animl, base, cluster, lila, local.\n"
    )


def test_stages_are_the_pipelines_with_what_they_take_from_others() -> None:
    bootstrap_project(ROOT)
    assert [stage.name for stage in STAGES] == [name for name in pipelines if name != "__default__"]
    made = {name for stage in STAGES for name in pipelines[stage.name].all_outputs()}
    for stage in STAGES:
        pipeline = pipelines[stage.name]
        assert set(stage.outputs) <= pipeline.all_outputs()
        assert pipeline.inputs() & made <= set(stage.inputs) <= pipeline.inputs()


@given(st.timedeltas(timedelta(0), timedelta(days=10**5)))
def test_age_is_never_more_than_it_is(passed: timedelta) -> None:
    words = age(passed).split()
    if words == ["just", "now"]:
        assert passed < timedelta(minutes=1)
        return
    unit = timedelta(**{words[1].rstrip("s") + "s": 1})
    assert int(words[0]) * unit <= passed < (int(words[0]) + 1) * unit
    assert words[1].endswith("s") is (words[0] != "1")


def test_age_of_what_was_made_in_the_future_is_now() -> None:
    assert age(timedelta(hours=-1)) == "just now"


@pytest.mark.parametrize(
    ("command", "answer", "heavy"),
    [
        ("animl status", "1,234 images", HEAVY),
        ("run --help", "--pipeline", HEAVY),
        ("registry list", "- detection_cropping", HEAVY - {"pandas", "pandera"} | {"hypothesis"}),
    ],
)
def test_command_that_answers_at_once_imports_nothing_heavy(
    walked: Project, command: str, answer: str, heavy: set[str]
) -> None:
    code = (
        "import sys; from kedro.framework.cli.cli import main\n"
        f"sys.argv = {['kedro', *command.split()]}\n"
        "try: main()\n"
        f"finally: print('heavy:', sorted({heavy!r} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=walked.folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert answer in result.stdout
    assert result.stdout.rstrip().endswith("heavy: []")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("kedro animl status --env ", {"animl", "base", "cluster", "lila", "local"}),
        ("kedro animl new-dataset island --im", {"--images-from"}),
    ],
)
def test_shell_completes_commands_options_and_environments(project: Project, words: str, offered: set[str]) -> None:
    environment = {"_KEDRO_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = subprocess.run(
        [Path(sys.executable).with_name("kedro")],
        cwd=project.folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line.partition(",")[2] for line in result.stdout.splitlines()} == offered
