"""`kedro animl status`: what is there, how fresh, and what to run next."""

from pathlib import Path

import click
from kedro.framework.startup import ProjectMetadata
from rich.console import Console

from animl_kedro.cli.configuration import complete_environment, read_catalog
from animl_kedro.cli.errors import ReadableCommand


@click.command(cls=ReadableCommand)
@click.option("--env", "-e", shell_complete=complete_environment, help="The environment, conf/local unless said.")
@click.pass_obj
def status(metadata: ProjectMetadata, env: str | None) -> None:
    """Tell what is there, how fresh it is, and what to run next."""
    from animl_kedro.status.assessment import advice, assess_all  # noqa: PLC0415 - `kedro run` need not wait for it
    from animl_kedro.status.last_run import last_run  # noqa: PLC0415
    from animl_kedro.status.screen import now, show  # noqa: PLC0415

    project = Path(metadata.project_path)
    catalog = read_catalog(metadata, env)
    assessments = assess_all(catalog, project)
    console = Console(soft_wrap=True)
    show(console, assessments, now())
    if failure := last_run(catalog, project, now()):
        console.print(failure, markup=False)
    commands = advice(assessments, catalog, project, env)
    for line in commands and ["Next:", *(f"    {command}" for command in commands)]:
        console.print(line, markup=False, highlight=False)
    if not commands:
        console.print("Everything is up to date.")
