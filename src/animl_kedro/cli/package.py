"""`kedro package`, which packs no credentials."""

from pathlib import Path

import click
from kedro.framework.cli.project import package as kedro_package

from animl_kedro.cli.configuration import LOCAL, configuration_folder
from animl_kedro.cli.errors import ReadableCommand
from animl_kedro.errors import InputError


class PackageCommand(ReadableCommand):
    """Kedro's own command, which packs every environment but conf/local, credentials among them."""

    def prepare(self, ctx: click.Context) -> None:
        """Raises InputError where credentials would be packed."""
        refuse_credentials(configuration_folder(Path(ctx.obj.project_path)))


def refuse_credentials(configuration: Path) -> None:
    """Raises InputError where an environment other than conf/local has credentials."""
    found = [path for path in configuration.rglob("credentials*") if LOCAL not in path.relative_to(configuration).parts]
    if found:
        names = ", ".join(sorted(str(path.relative_to(configuration.parent)) for path in found))
        raise InputError(f"{names} would be packed into the archive for everyone: move them elsewhere, and pack again.")


package = PackageCommand(
    name=kedro_package.name, callback=kedro_package.callback, params=kedro_package.params, help=kedro_package.help
)
