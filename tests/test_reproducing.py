"""What docs/reproduce.md says: an old report can be made again, byte for byte, of the versions that it was made of."""

import shlex
from pathlib import Path
from typing import Any

import orjson

from projects import Project
from reporting_factories import make_crops, make_history, make_predictions

REPORTED = ("report.html", "average_precision.csv", "average_precision.json", "confusion_matrix.parquet")


def versions_of(project: Project, name: str) -> list[Path]:
    """The files of an entry of the reporting, the oldest first."""
    return sorted((project.folder / "data" / "08_reporting" / name).glob(f"*/{name}"))


def load_versions(command: str) -> dict[str, str]:
    """The versions that a command names."""
    (option,) = (word for word in shlex.split(command) if word.startswith("--load-versions="))
    return dict(pair.split(":") for pair in option.partition("=")[2].split(","))


def test_old_report_is_made_again_to_the_byte_from_its_versions(tmp_path: Path) -> None:
    project = Project(tmp_path)
    predictions = make_predictions()
    save(project, predictions=predictions, training_history=make_history(), crops=make_crops(predictions))
    project.run("reporting")
    manifest = orjson.loads(versions_of(project, "run_manifest.json")[0].read_bytes())

    save(project, predictions=make_predictions(skill=0.5, seed=1), training_history=make_history(7))
    project.run("reporting", load_versions=load_versions(manifest["run"]["repeat"]))

    for name in REPORTED:
        old, again = (path.read_bytes() for path in versions_of(project, name))
        assert again == old, name
    repeated = orjson.loads(versions_of(project, "run_manifest.json")[1].read_bytes())
    assert repeated["datasets"]["predictions"] == manifest["datasets"]["predictions"]
    assert repeated["datasets"]["crops"]["sha256"] == manifest["datasets"]["crops"]["sha256"]


def save(project: Project, **tables: Any) -> None:
    """Save tables under one new version."""
    catalog = project.catalog
    for name, table in tables.items():
        catalog.save(name, table)
