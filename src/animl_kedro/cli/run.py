"""`kedro run`, with errors that a person can read."""

import warnings
from pathlib import Path

import click
from kedro.framework.cli.project import run as kedro_run

from animl_kedro.cli.configuration import check_environment, configuration_folder
from animl_kedro.cli.errors import ReadableCommand


class RunCommand(ReadableCommand):
    """Kedro's own command, but for its errors and one warning."""

    def prepare(self, ctx: click.Context) -> None:
        """Silence a warning: --pipeline is what people type, and what the messages of this project tell them to.

        Raises InputError where there is no such environment.
        """
        warnings.filterwarnings("ignore", message="Option '--pipeline' is deprecated")
        folder = configuration_folder(Path(ctx.obj.project_path if ctx.obj else "."))
        if folder.is_dir() and not ctx.params["conf_source"]:  # Kedro tells of one that is no folder
            check_environment(folder, ctx.params["env"])


run = RunCommand(
    name=kedro_run.name,
    callback=kedro_run.callback,
    params=kedro_run.params,
    help=kedro_run.help,
    context_settings=kedro_run.context_settings,
)
