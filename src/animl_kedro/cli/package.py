"""`kedro package`, which packs no credentials."""

from pathlib import Path

import click
from kedro.framework.cli.project import package as kedro_package

from animl_kedro.cli.configuration import LOCAL, configuration_folder
from animl_kedro.cli.errors import ReadableCommand
from animl_kedro.errors import InputError


class PackageCommand(ReadableCommand):
    """Kedro's own command, which packs every environment, credentials among them, but for the .yml of conf/local."""

    def prepare(self, ctx: click.Context) -> None:
        """Raises InputError where credentials would be packed."""
        refuse_credentials(configuration_folder(Path(ctx.obj.project_path)))


def refuse_credentials(configuration: Path) -> None:
    """Raises InputError where there are credentials besides the .yml of conf/local, which Kedro leaves out."""
    files = [path.relative_to(configuration.parent) for path in configuration.rglob("*") if path.is_file()]
    credentials = [path for path in files if any(part.startswith("credentials") for part in path.parts)]
    if found := [path for path in credentials if LOCAL not in path.parts or path.suffix != ".yml"]:
        names = ", ".join(sorted(map(str, found)))
        raise InputError(f"{names} would be packed into the archive for everyone: move them elsewhere, and pack again.")


package = PackageCommand(
    name=kedro_package.name, callback=kedro_package.callback, params=kedro_package.params, help=kedro_package.help
)
