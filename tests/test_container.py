"""The Dockerfile, which `make lint` checks, and what belongs to it: the files that it copies, and the devcontainer."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from projects import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_devcontainer_is_built_of_a_stage_that_there_is() -> None:
    settings = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert (ROOT / ".devcontainer" / settings["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert settings["build"]["target"] in re.findall(r"^FROM .* AS (\w+)$", DOCKERFILE, re.MULTILINE)
    assert f"\n{settings['postCreateCommand'].removeprefix('make ')}:" in (ROOT / "Makefile").read_text(
        encoding="utf-8"
    )


def test_files_that_are_copied_are_there_and_sent_to_docker() -> None:
    sent = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    }
    assert copied == {"conf", "constraints.txt", "pyproject.toml", "README.md", "src"}
    assert copied < sent
    assert all((ROOT / name).exists() for name in copied)


def test_credentials_and_data_are_never_sent_to_docker(tmp_path: Path) -> None:
    """The rules that are used there mean the same to git."""
    shutil.copy(ROOT / ".dockerignore", tmp_path / ".gitignore")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    kept_out = ["conf/local/catalog.yml", "data/01_raw/a.json", ".venv/a", ".git/config"]
    kept_out += ["conf/animl/credentials.yml", "conf/animl/credentials.json", "conf/animl/credentials/s3.yaml"]
    sent = ["conf/base/globals.yml", "src/animl_kedro/cli/run.py", "README.md", "conf/local/README.md"]
    command = ["git", "check-ignore", "--no-index", *kept_out, *sent]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert sorted(result.stdout.split()) == sorted(kept_out)
