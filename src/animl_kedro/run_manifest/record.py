"""What is noted while a run goes on, and the manifest that is made of it."""

import json
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from animl_kedro.run_manifest.privacy import publishable
from animl_kedro.run_manifest.software import package_versions, source_commit, system

FORMAT, FORMAT_VERSION = "animl-kedro run manifest", 1

SELECTIONS = {
    "pipeline_names": "pipelines",
    "tags": "tags",
    "from_nodes": "from-nodes",
    "to_nodes": "to-nodes",
    "node_names": "nodes",
    "from_inputs": "from-inputs",
    "to_outputs": "to-outputs",
    "namespaces": "namespaces",
}
"""What `kedro run` was told to run, and the options that tell it; nothing of these is the whole road."""

SILENT_RUNNER = "ParallelRunner"
"""Kedro's runner that tells hooks of no node and no dataset."""


@dataclass
class NodeTime:
    """When a node ran, and for how long: `seconds` is None until it has ended well."""

    started: datetime
    clock: float = field(default_factory=time.perf_counter)
    seconds: float | None = None


@dataclass
class RunRecord:
    """A run as its hooks see it.

    `nodes` are the names of those that were to run, in order. `rows` are those of every table that was loaded or saved.
    """

    run_params: Mapping[str, Any]
    parameters: Mapping[str, Any]
    nodes: list[str]
    secrets: set[str]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)
    times: dict[str, NodeTime] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)
    saved: set[str] = field(default_factory=set)
    failed_node: str | None = None

    @property
    def _version(self) -> str:
        """The version under which the run saves."""
        return str(self.run_params["run_id"])

    def begin_node(self, name: str) -> None:
        """A node begins."""
        self.times[name] = NodeTime(datetime.now(UTC))

    def end_node(self, name: str) -> None:
        """A node has ended well."""
        self.times[name].seconds = time.perf_counter() - self.times[name].clock

    def manifest(
        self, exports: Mapping[str, Any], datasets: Mapping[str, Any], error: BaseException | None
    ) -> dict[str, Any]:
        """The manifest. A run that failed says so, and which of its nodes ran."""
        project = Path(str(self.run_params["project_path"]))
        parameters = _leaves(publishable(self.parameters, project))
        selection = {name: self.run_params.get(name) for name in SELECTIONS if self.run_params.get(name)}
        content = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "run": {
                "version": self._version,
                "status": "failed" if error else "completed",
                "error": error and {"type": type(error).__name__, "node": self.failed_node},
                "started": self.started.isoformat(timespec="milliseconds"),
                "seconds": round(time.perf_counter() - self.clock, 3),
                "environment": self.run_params.get("env") or "local",
                "selection": selection or None,
                "repeat": self._command(selection, datasets, project),
            },
            "source": source_commit(),
            "system": system(),
            "packages": package_versions(),
            "exports": exports,
            "parameters": self.parameters,
            "seeds": {name: value for name, value in parameters if name.rpartition(".")[2] == "seed"},
            "nodes": [self._node(name) for name in self.nodes],
            "datasets": datasets,
        }
        result: dict[str, Any] = publishable(content, project, self.secrets)
        return result

    def _command(self, selection: Mapping[str, Any], datasets: Mapping[str, Any], project: Path) -> str:
        """The command that does the same on the same versions, with the same configuration and source."""
        options = [f"--env={self.run_params['env']}"] if self.run_params.get("env") else []
        options += [f"--{SELECTIONS[name]}={','.join(names)}" for name, names in selection.items()]
        read = {name: told.get("version") for name, told in datasets.items() if not told["saved"]}
        # what was read under another name than the one it was written by in this run is made anew
        versions = [f"{name}:{version}" for name, version in read.items() if version not in (None, self._version)]
        options += [f"--load-versions={','.join(versions)}"] if versions else []
        typed = [
            f"{name}={value if isinstance(value, str) else json.dumps(value)}"
            for name, value in _leaves(publishable(self.run_params.get("runtime_params") or {}, project))
        ]
        options += [f"--params={','.join(typed)}"] if typed else []
        return shlex.join(["kedro", "run", *options])

    def _node(self, name: str) -> dict[str, Any]:
        ran = self.times.get(name)
        return {
            "name": name,
            "status": self._status(name),
            "started": ran and ran.started.isoformat(timespec="milliseconds"),
            "seconds": None if ran is None or ran.seconds is None else round(ran.seconds, 3),
        }

    def _status(self, name: str) -> str:
        """What became of a node."""
        if name == self.failed_node:
            return "failed"
        ran = self.times.get(name)
        if ran is None:
            return "not told" if SILENT_RUNNER in str(self.run_params.get("runner")) else "not run"
        return "not finished" if ran.seconds is None else "done"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The values in nested mappings, by their paths."""
    if not isinstance(value, Mapping):
        yield path, value
        return
    for name, part in value.items():
        yield from _leaves(part, f"{path}.{name}" if path else str(name))
