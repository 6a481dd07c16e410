"""The project's commands, which Kedro's command line finds here: `kedro run`, `kedro package` and `kedro animl …`."""

import click

from animl_kedro.cli.new_dataset import new_dataset
from animl_kedro.cli.package import package
from animl_kedro.cli.run import run
from animl_kedro.cli.status import status

__all__ = ["cli", "run"]


@click.group(name="animl-kedro")
def cli() -> None:
    """Commands of animl-kedro."""


@cli.group()
def animl() -> None:
    """See where the project stands, and begin with an export of labels."""


animl.add_command(status)
animl.add_command(new_dataset)
cli.add_command(run)
cli.add_command(package)
