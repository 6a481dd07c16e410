"""A project of its own for a test: the repository's configuration over an empty data folder."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog

ROOT = Path(__file__).parents[1]

TINY_TRAINING = {"image_size": 32, "epochs": 1, "batch_size": 8}


class Project:
    """A copy of the configuration in a new folder; runs and loads as a person would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
        for name in ("pyproject.toml", ".telemetry"):
            shutil.copy(ROOT / name, folder)
        (folder / "src").mkdir()  # Kedro wants the folder; the package is installed
        (folder / "conf" / "local").mkdir()

    def configure(self, name: str, content: Mapping[str, Any]) -> None:
        """Write `conf/local/<name>.yml`."""
        (self.folder / "conf" / "local" / f"{name}.yml").write_text(yaml.safe_dump(dict(content)), encoding="utf-8")

    def run(self, *pipelines: str, nodes: Sequence[str] = (), load_versions: Mapping[str, str] | None = None) -> None:
        """`kedro run`, of these pipelines or of all, and there of these nodes or of all."""
        with self._session() as session:
            session.run(
                pipeline_names=list(pipelines) or None,
                node_names=nodes or None,
                load_versions=dict(load_versions or {}),
            )

    @property
    def catalog(self) -> DataCatalog:
        """The catalog, as a notebook has it."""
        with self._session() as session:
            catalog: DataCatalog = session.load_context().catalog
            return catalog

    def _session(self) -> Any:  # Kedro's annotation, an abstract session, has less than the session has
        bootstrap_project(self.folder)
        return KedroSession.create(self.folder)
