"""Writes a configuration of its own for an export, and never over another."""

from pathlib import Path

from animl_kedro.datasets.names import check_dataset_names
from animl_kedro.errors import InputError
from animl_kedro.files import written_whole
from animl_kedro.formats.label_specification import parse_label_map
from animl_kedro.new_dataset.export import ExportSummary
from animl_kedro.new_dataset.images import ImageSource
from animl_kedro.new_dataset.texts import catalog_text, globals_text, label_map_text, parameters_text
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams


def check_name(name: str, configuration: Path) -> None:
    """Raises InputError or DatasetError where a name cannot be a folder's, or there is such an environment."""
    check_dataset_names({name: None})
    taken = {path.name.casefold(): path.name for path in configuration.iterdir()}
    if name.casefold() in taken:
        raise InputError(
            f"There is {taken[name.casefold()]!r} in {configuration.name} already, and nothing is overwritten: choose "
            "another name, or change its files."
        )


def write_configuration(
    name: str, export_path: Path, export: ExportSummary, source: ImageSource, configuration: Path
) -> list[str]:
    """Write the environment, whole or not at all, and give the names of its files.

    Raises InputError where the name is taken, or a text cannot stand in a configuration.
    """
    check_name(name, configuration)
    project = configuration.parent.resolve()
    resolved = export_path.resolve()
    path = resolved.relative_to(project) if resolved.is_relative_to(project) else resolved
    cropping = DetectionCroppingParams()
    never_cropped = {label.casefold() for label in cropping.person_labels + cropping.vehicle_labels}
    labels = {label: count for label, count in export.labels.items() if label.casefold() not in never_cropped}
    if not labels:
        raise InputError(f"{export_path} has labels of people and vehicles only: there is nothing to classify.")
    texts = {
        "catalog.yml": catalog_text(name, path.as_posix(), export, source),
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
