"""Commands whose errors a person can read: what is wrong and what to do, without a stack trace.

`--traceback` shows the stack trace as well.
"""

from collections.abc import Iterator
from traceback import walk_tb
from typing import Any

import click
from kedro.io import DatasetError
from kedro.validation.exceptions import ParameterValidationError

from animl_kedro.errors import InputError

TRACEBACK = click.Option(["--traceback"], is_flag=True, help="Show the stack trace of an error as well.")

KEDROS_CHECKS = ("kedro.config.", "kedro.framework.session.", "kedro.pipeline.pipeline.", "kedro.utils.", "omegaconf.")
"""Modules whose own errors, of many types, are of what was typed or of a file of the configuration."""


class ReadableCommand(click.Command):
    """A command with `--traceback`, and another ending for errors that the project foresees."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options | {"params": [*(options.get("params") or ()), TRACEBACK]})

    def prepare(self, ctx: click.Context) -> None:
        """What comes before the command itself: nothing, but for those that say otherwise."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run; turn a foreseen error into its message and exit code 1."""
        with_traceback = ctx.params.pop("traceback")
        try:
            self.prepare(ctx)
            return super().invoke(ctx)
        except Exception as error:
            foreseen = _foreseen(error)
            if foreseen is None or with_traceback:
                raise
            raise click.ClickException(str(foreseen)) from error


def _foreseen(error: BaseException) -> BaseException | None:
    """The innermost error of the chain that was written for a person, since it knows best; else Kedro's own."""
    from animl_kedro.images import UnreadableImageError  # noqa: PLC0415 - Pillow is for those who had a use for it

    foreseen = (InputError, UnreadableImageError, DatasetError, ParameterValidationError)
    links = list(map(_of_credentials, _chain(error)))
    written_for_people = [link for link in links if isinstance(link, foreseen)]
    others = [link for link in links if _is_of_kedros_checks(link)]
    return next(reversed(written_for_people or others), None)


def _is_of_kedros_checks(error: BaseException) -> bool:
    """Whether one of these modules raised an error itself, and no node that it ran."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__)]
    return bool(modules) and f"{modules[-1]}.".startswith(KEDROS_CHECKS)


def _of_credentials(error: BaseException) -> BaseException:
    """Kedro's error for a name that is not in credentials.yml, as one for a person; others as they are."""
    if isinstance(error, KeyError) and str(error.args[0]).startswith("Unable to find credentials"):
        return InputError(str(error.args[0]))
    return error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
