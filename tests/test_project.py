"""The project as a whole: its pipelines, its catalog in every environment, its commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Node
from pydantic import BaseModel

from animl_kedro.cli.run import run
from projects import ROOT, Project
from tiny_island import point_at

ROAD = ["ingestion", "detection_cropping", "dataset_split", "modeling", "reporting"]
NAMES = [*ROAD, "inference"]
ENVIRONMENTS = ["base", "animl", "lila"]


@pytest.fixture(autouse=True)
def bootstrapped() -> None:
    bootstrap_project(ROOT)


def open_session(env: str) -> Any:  # Kedro's annotation, an abstract session, has less than the session has
    return KedroSession.create(ROOT, env=env)


def all_nodes() -> list[Node]:
    return [node for name in NAMES for node in pipelines[name].nodes]


def test_registry_holds_the_pipelines_and_the_sum_of_those_of_the_road() -> None:
    assert list(pipelines) == [*NAMES, "__default__"]
    assert {node.name for node in pipelines["__default__"].nodes} == {
        node.name for name in ROAD for node in pipelines[name].nodes
    }


def test_every_node_is_named_by_its_function_and_has_a_docstring() -> None:
    for node in all_nodes():
        assert node.name == f"{node.namespace}.{node.func.__name__}"
        assert node.func.__doc__


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_typed_parameter_arrives_typed(env: str) -> None:
    with open_session(env) as session:
        params = session.load_context().params
    assert set(params) == set(NAMES)
    for name in NAMES:
        assert isinstance(params[name], BaseModel), f"params:{name} is a {type(params[name]).__name__}"


def test_parameters_in_yaml_are_all_known_by_their_models_and_none_is_left_out() -> None:
    with open_session("base") as session:
        params = session.load_context().params
    for name in NAMES:
        written = yaml.safe_load((ROOT / "conf" / "base" / "parameters" / f"{name}.yml").read_text(encoding="utf-8"))
        assert set(written[name]) == set(type(params[name]).model_fields), name


def kedro(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=cwd,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--params=dataset_split.val_fractoin=0.2"], "unknown parameter 'val_fractoin': did you mean 'val_fraction'?"),
        (["--params=modeling.backbone=b3"], "unknown backbone 'b3': one of efficientnet-b0"),
        (["--params=modelling.epochs=3"], "The parameters 'modelling' belong to no pipeline. Did you mean 'modeling'?"),
        (["--pipeline=dataset_split"], "Run first: kedro run --pipeline=ingestion, then"),
        (["--pipeline=inference"], "This run needs classifier, inference_detections, which"),
    ],
)
def test_command_with_a_mistake_ends_in_one_clear_error_without_a_stack_trace(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = kedro("run", *arguments, cwd=Project(tmp_path).folder)
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert "Deprecat" not in result.stderr
    assert not (tmp_path / "data" / "05_model_input").exists()


@pytest.mark.parametrize(
    ("arguments", "written", "message"),
    [
        (["--pipeline=modelling"], None, "Failed to find the pipeline named 'modelling'"),
        (["--nodes=modeling.train"], None, "Pipeline does not contain nodes named ['modeling.train']"),
        (["--env=anmil"], None, "There is no environment 'anmil' in conf: one of animl, base"),
        (["--runner=FastRunner"], None, "has no attribute 'FastRunner'"),
        ([], "a: [", "Invalid YAML or JSON file"),
        ([], "images: {type: a.B, filepath: '${globals:none}'}", "Globals key 'none' not found"),
    ],
)
def test_mistake_that_kedro_finds_ends_without_a_stack_trace_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], written: str | None, message: str
) -> None:
    project = Project(tmp_path)
    if written:
        (project.folder / "conf" / "local" / "catalog.yml").write_text(written)
    monkeypatch.chdir(project.folder)
    bootstrap_project(project.folder)
    result = CliRunner().invoke(run, arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert message in result.output


def test_command_with_traceback_shows_the_stack_trace(tmp_path: Path) -> None:
    result = kedro("run", "--pipeline=modeling", "--traceback", cwd=Project(tmp_path).folder)
    assert "Traceback" in result.stderr
    assert "kedro run --pipeline=dataset_split" in result.stderr


def test_ingestion_imports_neither_torch_nor_lightning(tmp_path: Path) -> None:
    """Run the pipeline in a process of its own, on an export without images."""
    project = Project(tmp_path)
    (tmp_path / "export.json").write_text(json.dumps({"images": [], "annotations": [], "categories": [], "info": {}}))
    keys = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
    point_at(project, Path("export.json"), "http://127.0.0.1:9", "not-asked", keys)
    project.configure("parameters", {"ingestion": {"selection": {"labels": None}}})
    code = (
        "import sys; from projects import Project; from pathlib import Path\n"
        "from kedro.framework.session import KedroSession; from kedro.framework.startup import bootstrap_project\n"
        "bootstrap_project(Path.cwd())\n"
        "with KedroSession.create(Path.cwd()) as session: session.run(pipeline_names=['ingestion'])\n"
        "assert Path('data/02_intermediate/image_files.parquet').is_file()\n"
        "print(sorted({'torch', 'lightning', 'torchvision', 'matplotlib'} & set(sys.modules)))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_usage_data_is_not_sent() -> None:
    assert yaml.safe_load((ROOT / ".telemetry").read_text(encoding="utf-8")) == {"consent": False}
