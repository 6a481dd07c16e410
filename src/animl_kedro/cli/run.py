"""`kedro run`, with errors that a person can read."""

import warnings

import click
from kedro.framework.cli.project import run as kedro_run

from animl_kedro.cli.errors import ReadableCommand


class RunCommand(ReadableCommand):
    """Kedro's own command, but for its errors and one warning."""

    def prepare(self, ctx: click.Context) -> None:
        """Silence a warning: --pipeline is what people type, and what the messages of this project tell them to."""
        del ctx
        warnings.filterwarnings("ignore", message="Option '--pipeline' is deprecated")


run = RunCommand(
    name=kedro_run.name,
    callback=kedro_run.callback,
    params=kedro_run.params,
    help=kedro_run.help,
    context_settings=kedro_run.context_settings,
)
