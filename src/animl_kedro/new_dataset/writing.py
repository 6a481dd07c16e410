"""Writes a configuration of its own for an export, and never over another."""

from pathlib import Path

from animl_kedro.datasets.input_file import InputFile
from animl_kedro.datasets.names import check_dataset_names
from animl_kedro.errors import InputError
from animl_kedro.files import written_whole
from animl_kedro.formats.label_specification import parse_label_map
from animl_kedro.new_dataset.export import ExportSummary
from animl_kedro.new_dataset.images import ImageSource
from animl_kedro.new_dataset.texts import catalog_text, globals_text, label_map_text, parameters_text
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams

WEB = ("http", "https")
"""Protocols whose URLs may end in a query."""

SECRETS = "credentials"
"""What the names of files and folders begin with that git ignores, and that `kedro package` refuses to pack."""


def check_name(name: str, configuration: Path) -> None:
    """Raises InputError or DatasetError where a name cannot be a configuration's, or there is such an environment."""
    check_dataset_names({name: None})
    if name.casefold().startswith(SECRETS):
        raise InputError(
            f"{name!r} cannot be the name of a configuration: what begins with {SECRETS!r} in {configuration.name} "
            "counts as secret, which git ignores and `kedro package` refuses to pack. Choose another name."
        )
    taken = {path.name.casefold(): path.name for path in configuration.iterdir()}
    if name.casefold() in taken:
        raise InputError(
            f"There is {taken[name.casefold()]!r} in {configuration.name} already, and nothing is overwritten: choose "
            "another name, or change its files."
        )


def check_address(export: str) -> None:
    """Raises InputError where an export's URL has a secret in it, since the configuration would hold it."""
    protocol, separator, rest = export.partition("://")
    if separator and ("@" in rest.partition("/")[0] or (protocol in WEB and "?" in rest)):
        raise InputError(
            f"The URL of the export, {protocol}://…, has a login or a signature in it, which would be written into the "
            "configuration: download the file, and name it by its path."
        )


def write_configuration(
    name: str, export_file: InputFile, export: ExportSummary, source: ImageSource, configuration: Path
) -> list[str]:
    """Write the environment, whole or not at all, and give the names of its files.

    Raises InputError where the name is taken, or a text cannot stand in a configuration.
    """
    check_name(name, configuration)
    cropping = DetectionCroppingParams()
    never_cropped = {label.casefold() for label in cropping.person_labels + cropping.vehicle_labels}
    labels = {label: count for label, count in export.labels.items() if label.casefold() not in never_cropped}
    if not labels:
        raise InputError(f"{export_file.address} has labels of people and vehicles only: there is nothing to classify.")
    texts = {
        "catalog.yml": catalog_text(name, _filepath(export_file, configuration.parent.resolve()), export, source),
        "globals.yml": globals_text(name),
        "label_map.yml": label_map_text(labels),
        "parameters.yml": parameters_text(name),
    }
    parse_label_map(texts["label_map.yml"].encode(), "the label map of these labels")
    with written_whole(configuration / name) as folder:
        folder.mkdir()
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
    return sorted(texts)


def _filepath(file: InputFile, project: Path) -> str:
    """What the catalog calls the export: its URL, or its path, which is relative where it lies in the project."""
    if file.path is None:
        return file.address
    path = file.path.resolve()
    return (path.relative_to(project) if path.is_relative_to(project) else path).as_posix()
