"""`kedro animl new-dataset`: a configuration of its own for an export of labels."""

from pathlib import Path

import click
from kedro.framework.startup import ProjectMetadata

from animl_kedro.cli.configuration import configuration_folder
from animl_kedro.cli.errors import ReadableCommand


@click.command("new-dataset", cls=ReadableCommand)
@click.argument("name")
@click.option(
    "--export",
    "address",
    required=True,
    type=click.Path(),
    help="The export of labels, a path or s3://bucket/key: COCO Camera Traps as Animl and LILA BC write it, or a "
    "Camtrap DP package.",
)
@click.option(
    "--images-from",
    help="Where the images are: s3://bucket/prefix, or a folder. Without it, Animl's bucket.",
)
@click.option("--public", is_flag=True, help="The bucket can be read without an account.")
@click.pass_obj
def new_dataset(metadata: ProjectMetadata, name: str, address: str, images_from: str | None, *, public: bool) -> None:
    """Write conf/NAME, with which `kedro run --env=NAME` goes from an export to a report."""
    from animl_kedro.datasets.input_file import InputFile  # noqa: PLC0415 - `kedro run` need not wait for these
    from animl_kedro.new_dataset.export import summarize  # noqa: PLC0415
    from animl_kedro.new_dataset.images import image_source  # noqa: PLC0415
    from animl_kedro.new_dataset.writing import check_address, check_name, write_configuration  # noqa: PLC0415

    configuration = configuration_folder(Path(metadata.project_path))
    check_name(name, configuration)
    check_address(address)
    file = InputFile(address)
    export = summarize(file)
    source = image_source(images_from, public=public, kind=export.format)
    files = write_configuration(name, file, export, source, configuration)
    click.echo(f"{export.format}: {export.images:,} images, {sum(export.labels.values()):,} labels of animals")
    click.echo(f"Wrote {configuration.name}/{name}: {', '.join(files)}")
    click.echo(
        f"Next: look through {configuration.name}/{name}/label_map.yml, then\n"
        f"    kedro run --env={name} --pipeline=ingestion --params=ingestion.dry_run=true\n"
        f"    kedro run --env={name}"
    )
