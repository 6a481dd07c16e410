"""What every test is held to, and a tiny island to run the pipelines on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from animl_kedro.classifier.runtime import prepare_torch
from animl_kedro.sample.server import serve_folder
from projects import TINY_TRAINING, Project
from tiny_island import COLOURS, draw_tiny_island, point_at

# no test fails for a busy machine
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

prepare_torch()  # before any test module imports torch, as the program does

AWS_VARIABLES = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@pytest.fixture(autouse=True)
def no_own_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the credentials of whoever runs the tests, so that no test can depend on them or use them."""
    for variable in AWS_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True)
def no_leaked_environment() -> Iterator[None]:
    """Fail a test that leaves the working directory changed."""
    before = Path.cwd()
    yield
    after = Path.cwd()
    os.chdir(before)
    assert after == before, f"the test left the working directory at {after}"


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has been run from end to end on the tiny island."""
    folder = tmp_path_factory.mktemp("tiny")
    draw_tiny_island(folder)
    project = Project(tmp_path_factory.mktemp("project"))
    project.configure(
        "parameters",
        {
            "ingestion": {"selection": {"labels": list(COLOURS)}},
            "dataset_split": {"min_locations": 1, "min_crops": 1},
            "modeling": TINY_TRAINING,
        },
    )
    with serve_folder(folder / "archive", "tiny-island") as server:
        point_at(project, folder / "export.json", server.endpoint_url, server.bucket, server.credentials)
        project.run()
    return project
