"""The configuration of the project, read without starting a session of Kedro."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from kedro.framework.project import settings
from kedro.framework.startup import ProjectMetadata

from animl_kedro.errors import InputError

LOCAL = "local"


def configuration_folder(project: Path) -> Path:
    """Where the environments lie."""
    return project / str(settings.CONF_SOURCE)


def environments(folder: Path) -> list[str]:
    """The names of the environments."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def check_environment(folder: Path, env: str | None) -> None:
    """Raises InputError where there is no such environment."""
    if env not in (None, "", *environments(folder)):
        raise InputError(f"There is no environment {env!r} in {folder.name}: one of {', '.join(environments(folder))}.")


def read_catalog(metadata: ProjectMetadata, env: str | None) -> Mapping[str, Any]:
    """The entries of the catalog in an environment, without making their datasets.

    Raises InputError where there is no such environment, or a file of it cannot be read.
    """
    from kedro.config import OmegaConfigLoader  # noqa: PLC0415 - completion need not wait for it

    folder = configuration_folder(Path(metadata.project_path))
    check_environment(folder, env)
    try:
        entries = OmegaConfigLoader(str(folder), env=env or LOCAL, **settings.CONFIG_LOADER_ARGS)["catalog"]
    except Exception as error:  # of YAML, of interpolation, of names given twice: each library has its own
        raise InputError(f"The catalog cannot be read: {error}") from error
    return {name: entry for name, entry in entries.items() if isinstance(entry, Mapping)}


def complete_environment(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The environments that a shell offers."""
    del ctx, param
    folder = configuration_folder(Path.cwd())
    names = environments(folder) if folder.is_dir() else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
