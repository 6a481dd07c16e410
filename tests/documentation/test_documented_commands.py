"""Each command that README and the documentation tell people to type is one that could run."""

import click
import pytest

from markdown_pages import Found, commands
from typed_commands import check_command


@pytest.mark.parametrize("found", [*commands()], ids=lambda found: f"{found.where}: {found.text[:60]}")
def test_command_could_run(found: Found) -> None:
    check_command(found.text)


@pytest.mark.parametrize(
    "command",
    [
        "kedro rum",
        "kedro run --pipelin=modeling",
        "kedro run --pipeline=modelling",
        "kedro run --env=anmil",
        "kedro run --params=modeling.epoch=3",
        "kedro run --params=modeling.epochs=0",
        "kedro run --nodes=modeling.train",
        "kedro animl new-dataset NAME",
        "AWS_PROFILE=animl kedro run --load-versions=prediction:1",
        "make rnu",
        "python -m animl_kedro.nothing",
        "python benchmarks/nothing.py",
        "pip install 'animl-kedro[dusk]'",
    ],
)
def test_command_with_a_fault_is_noticed(command: str) -> None:
    with pytest.raises((AssertionError, click.ClickException, ValueError)):
        check_command(command)
