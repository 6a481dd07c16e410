"""Whether a command line of the documentation is one that could run: its command, options, and what they are given."""

import re
import shlex
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from typing import Any

import click
import yaml
from kedro.framework.cli.cli import KedroCLI
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from animl_kedro.reference.parameters import MODELS
from projects import ROOT

ENVIRONMENTS = {path.name for path in (ROOT / "conf").iterdir()} | {"santa_cruz_island", "channel_islands", "NAME"}
"""Those that there are, and those that the documentation makes."""

TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"])


def check_command(command: str) -> None:
    """Raises AssertionError, ClickException or ValueError where a command line could not run."""
    words = shlex.split(command, comments=True)
    match words[: words.index(">")] if ">" in words else words:
        case ["kedro", *arguments]:
            _check_kedro(arguments)
        case ["make", *targets]:
            assert {target for target in targets if "=" not in target} <= TARGETS
        case ["python", "-m", module, *_] if module.startswith("benchmarks."):
            assert (ROOT / "benchmarks" / f"{module.removeprefix('benchmarks.')}.py").is_file()
        case ["python", "-m", module, *arguments]:
            assert find_spec(module)
            _check_values(arguments)
        case ["python", script, *_] if script.startswith("benchmarks/"):
            assert (ROOT / script).is_file()
        case ["pip", "install", *arguments]:
            extras = re.findall(r"\[([\w,]+)\]", " ".join(arguments))
            assert {name for names in extras for name in names.split(",")} <= EXTRAS
        case [assignment, *rest] if re.match(r"[A-Z_]+=", assignment) and rest:
            check_command(shlex.join(rest))


@cache
def _kedro() -> KedroCLI:
    bootstrap_project(ROOT)
    return KedroCLI(ROOT)


def _check_kedro(arguments: Sequence[str]) -> None:
    """Let click read the arguments as it does before it runs; a command that is named without any is only named."""
    command: click.Command = _kedro()
    context = click.Context(command, info_name="kedro", obj=bootstrap_project(ROOT))
    while isinstance(command, click.Group) and arguments:
        name, *arguments = arguments
        found = command.get_command(context, name)
        assert found, f"kedro has no command {name!r}"
        command = found
    if arguments:
        with suppress(click.exceptions.Exit):  # of --help
            command.make_context(command.name, list(arguments), parent=context)
    _check_values(arguments)


def _check_values(arguments: Sequence[str]) -> None:
    for name, _, value in (argument.partition("=") for argument in arguments if argument.startswith("--")):
        names = set(value.split(","))
        match name:
            case "--env":
                assert value in ENVIRONMENTS
            case "--pipeline" | "--pipelines":
                assert names <= set(pipelines)
            case "--nodes" | "--from-nodes" | "--to-nodes":
                assert names <= {node.name for pipeline in pipelines.values() for node in pipeline.nodes}
            case "--load-versions":
                entries = {entry for pipeline in pipelines.values() for entry in pipeline.datasets()}
                assert {each.partition(":")[0] for each in names} <= entries
            case "--params" if value != "…":
                _check_parameters(dict(each.split("=", 1) for each in names))


def _check_parameters(values: dict[str, str]) -> None:
    for name, value in values.items():
        pipeline, *groups = name.split(".")
        nested: Any = yaml.safe_load(value)
        for group in reversed(groups):
            nested = {group: nested}
        MODELS[pipeline].model_validate(nested)
