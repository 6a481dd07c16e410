"""The wheel that `kedro package` builds runs where the repository is not."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from animl_kedro.cli.package import package, refuse_credentials
from factories import DATASET, export_bytes, make_export
from projects import ROOT, Project


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that holds what is in the wheel, built of a copy so that nothing old gets into it."""
    folder = tmp_path_factory.mktemp("package")
    ignored = shutil.ignore_patterns("*.egg-info", "__pycache__", "*.so", "*.pyd")
    shutil.copytree(ROOT / "src", folder / "source" / "src", ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder / "source")
    options = ["--wheel", "--no-isolation", f"--outdir={folder}"]
    run([sys.executable, "-m", "build", *options, str(folder / "source")], folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.mark.parametrize(
    "place", ["animl/credentials.yml", "animl/credentials/s3.json", "local/credentials.yaml", "local/credentials.json"]
)
def test_credentials_of_an_environment_are_not_packed(tmp_path: Path, place: str) -> None:
    project = Project(tmp_path)
    (project.folder / "conf" / "local" / "credentials.yml").write_text("a: {key: secret}")
    refuse_credentials(project.folder / "conf")  # Kedro leaves these out
    path = project.folder / "conf" / place
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"a": {"key": "secret"}}')
    result = CliRunner().invoke(package, obj=bootstrap_project(project.folder))
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: conf/{place} would be packed")
    assert not (project.folder / "dist").exists()


def test_wheel_holds_all_that_is_no_module(installed: Path) -> None:
    source = ROOT / "src"
    expected = {path.relative_to(source) for path in source.rglob("*") if path.suffix in (".jinja", ".typed", ".pyi")}
    assert expected == {path for path in expected if (installed / path).is_file()}
    assert len(expected) > 3


def test_wheel_runs_outside_the_repository(installed: Path, tmp_path: Path) -> None:
    work, configuration = tmp_path / "work", tmp_path / "elsewhere" / "conf"
    work.mkdir()
    shutil.copytree(ROOT / "conf", configuration, ignore=shutil.ignore_patterns("local"))
    (configuration / "local").mkdir()
    (work / "export.json").write_bytes(export_bytes(make_export(3)))
    kind = "animl_kedro.datasets.label_exports.LabelExportsDataset"
    entry = {"animl_export": {"type": kind, "datasets": {DATASET: {"filepath": "export.json"}}}}
    (configuration / "local" / "catalog.yml").write_text(yaml.safe_dump(entry))
    selection = {"ingestion": {"selection": {"labels": ["fox"]}}}
    (configuration / "local" / "parameters.yml").write_text(yaml.safe_dump(selection))
    command = [sys.executable, "-m", "animl_kedro", f"--conf-source={configuration}", "--nodes=ingestion.read_export"]
    run(command, work, PYTHONPATH=str(installed))
    assert len(pd.read_parquet(work / "data" / "02_intermediate" / "images.parquet")) == 3
    assert list((work / "data" / "08_reporting" / "run_manifest.json").iterdir())
    where = [sys.executable, "-c", "import animl_kedro; print(animl_kedro.__file__)"]
    assert run(where, work, PYTHONPATH=str(installed)).stdout.strip() == str(installed / "animl_kedro" / "__init__.py")
