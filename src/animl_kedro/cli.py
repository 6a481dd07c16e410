"""`kedro run`, with errors that a person can read: what is wrong and what to do, without a stack trace.

`kedro run --traceback` shows the stack trace as well.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.io import DatasetError
from kedro.validation.exceptions import ParameterValidationError

from animl_kedro.errors import InputError
from animl_kedro.images import UnreadableImageError

FORESEEN = (InputError, UnreadableImageError, DatasetError, ParameterValidationError)

TRACEBACK = click.Option(["--traceback"], is_flag=True, help="Show the stack trace of an error as well.")


class RunCommand(click.Command):
    """Kedro's own command with another ending for errors that the project foresees."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run; turn a foreseen error into its message and exit code 1."""
        with_traceback = ctx.params.pop("traceback")
        # --pipeline is what people type, and what the messages of this project tell them to.
        warnings.filterwarnings("ignore", message="Option '--pipeline' is deprecated")
        try:
            return super().invoke(ctx)
        except Exception as error:
            foreseen = _foreseen(error)
            if foreseen is None or with_traceback:
                raise
            raise click.ClickException(str(foreseen)) from error


def _foreseen(error: BaseException) -> BaseException | None:
    """The innermost error of the chain that was written for a person, since it knows best."""
    written_for_people = [link for link in map(_of_credentials, _chain(error)) if isinstance(link, FORESEEN)]
    return written_for_people[-1] if written_for_people else None


def _of_credentials(error: BaseException) -> BaseException:
    """Kedro's error for a name that is not in credentials.yml, as one for a person; others as they are."""
    if isinstance(error, KeyError) and str(error.args[0]).startswith("Unable to find credentials"):
        return InputError(str(error.args[0]))
    return error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


@click.group(name="animl-kedro")
def cli() -> None:
    """Commands of animl-kedro."""


cli.add_command(
    RunCommand(
        name=kedro_run.name,
        callback=kedro_run.callback,
        params=[*kedro_run.params, TRACEBACK],
        help=kedro_run.help,
        context_settings=kedro_run.context_settings,
    )
)
run = cli.commands["run"]
