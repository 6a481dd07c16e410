"""`kedro run`, with errors that a person can read."""

import warnings
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from animl_kedro.cli.errors import ReadableCommand


class RunCommand(ReadableCommand):
    """Kedro's own command, but for its errors and one warning."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run. --pipeline is what people type, and what the messages of this project tell them to."""
        warnings.filterwarnings("ignore", message="Option '--pipeline' is deprecated")
        return super().invoke(ctx)


run = RunCommand(
    name=kedro_run.name,
    callback=kedro_run.callback,
    params=kedro_run.params,
    help=kedro_run.help,
    context_settings=kedro_run.context_settings,
)
