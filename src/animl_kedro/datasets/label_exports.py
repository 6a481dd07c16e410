"""The labels of one or several data sets as a Kedro dataset."""

from dataclasses import replace
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError
from pydantic import Field, ValidationError, field_validator

from animl_kedro.datasets.input_exports import checksum_of, read_export
from animl_kedro.datasets.input_file import InputFile
from animl_kedro.datasets.names import check_dataset_names
from animl_kedro.formats.key_rule import KeyRule
from animl_kedro.formats.label_export import LabelExport
from animl_kedro.garbage import no_garbage_collection
from animl_kedro.parameters import StrictParams

ANIMLS_KEY = "{serving_bucket_key}"


class _Source(StrictParams):
    """The settings of a data set."""

    filepath: str = Field(min_length=1)
    key: str = ANIMLS_KEY
    categories: dict[int | str, str] | None = None

    @field_validator("key")
    @classmethod
    def _is_a_rule(cls, key: str) -> str:
        return KeyRule(key).template


class LabelExportsDataset(AbstractDataset[NoReturn, dict[str, LabelExport]]):
    """Loads the exports of one or several data sets, by the data sets' names. It is never written.

    A data set's name is the first folder of its images and crops, and the first half of its locations' identities. Its
    ``filepath`` is a COCO Camera Traps export (``.json``, ``.json.gz`` or ``.zip``) as Animl and LILA BC write it, or a
    Camtrap DP package; it is a path, or a URL such as ``s3://bucket/export.json``, and a package in a store is a
    ``.zip``. ``key`` makes an image's key in the archive of its record's fields. ``categories`` (id: label)
    stand in where an export that was cut off has none.

    YAML example::

        animl_export:
          type: animl_kedro.datasets.label_exports.LabelExportsDataset
          datasets:
            santa_cruz_island:
              filepath: data/01_raw/animl_export.json
            channel_islands:
              filepath: data/01_raw/channel_islands_camera_traps.zip
              key: "{file_name}"

    Python example::

        source = {"filepath": "data/01_raw/animl_export.json"}
        exports = LabelExportsDataset(datasets={"santa_cruz_island": source}).load()
        len(exports["santa_cruz_island"].records.images)
    """

    def __init__(self, *, datasets: dict[str, dict[str, Any]], metadata: dict[str, Any] | None = None) -> None:
        check_dataset_names(datasets)
        self._sources = {name: _source_of(name, datasets[name]) for name in sorted(datasets)}
        self._files = {name: InputFile(source.filepath) for name, source in self._sources.items()}
        self._checksums: dict[str, str] = {}
        self.metadata = metadata

    def load(self) -> dict[str, LabelExport]:
        """Read and parse the exports.

        Raises InputError where a file is absent or is none of the formats.
        """
        with no_garbage_collection():
            return {name: self._read(name) for name in self._files}

    def checksums(self) -> dict[str, str]:
        """SHA-256 of every export as it was last loaded, or else as it is, by the data sets' names.

        Raises OSError where one is absent, and InputError where a store cannot be asked.
        """
        return {name: self._checksums.get(name) or checksum_of(file) for name, file in self._files.items()}

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: an export is data from outside."""
        raise DatasetError("The exports of labels come from outside: they are read, never written.")

    def _exists(self) -> bool:
        return all(file.exists() for file in self._files.values())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": ", ".join(file.address for file in self._files.values())}

    def _read(self, name: str) -> LabelExport:
        source = self._sources[name]
        records, self._checksums[name] = read_export(self._files[name])
        if not records.categories and source.categories:
            names = [{"id": number, "name": label} for number, label in source.categories.items()]
            records = replace(records, categories=names)
        return LabelExport(records, KeyRule(source.key))


def _source_of(name: str, settings: Any) -> _Source:
    try:
        return _Source.model_validate(settings)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        message = fault["msg"].removeprefix("Value error, ")
        raise DatasetError(
            f"The data set {name!r}: {f'{place}: ' if place else ''}{message}. Expected is a filepath, and if need be "
            "key and categories."
        ) from error
