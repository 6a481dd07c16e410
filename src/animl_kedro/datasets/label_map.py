"""What makes classes of labels, as Kedro datasets: the label map, and the taxonomy that its rules may speak of."""

from typing import Any, NoReturn

import yaml
from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import JSONPreview

from animl_kedro.datasets.input_file import InputFile
from animl_kedro.datasets.names import check_dataset_names
from animl_kedro.datasets.previews import json_preview, of_what_exists
from animl_kedro.errors import InputError
from animl_kedro.formats.label_specification import LabelMap, parse_label_map
from animl_kedro.formats.taxonomy import Taxonomy, parse_taxonomy


class LabelMapDataset(AbstractDataset[NoReturn, LabelMap]):
    """Loads a label map: simple, or CameraTraps' label specification as JSON or CSV. It is never written.

    Which form it has, the file's content tells. ``filepath`` is a path, or a URL such as ``s3://bucket/label_map.yml``.

    YAML example::

        label_map:
          type: animl_kedro.datasets.label_map.LabelMapDataset
          filepath: conf/base/label_map.yml

    Python example::

        label_map = LabelMapDataset(filepath="conf/base/label_map.yml").load()
        label_map.classes["fox"].labels
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._file = InputFile(filepath)
        self.metadata = metadata

    def load(self) -> LabelMap:
        """Read the label map. Raises InputError where it is of none of the forms."""
        return parse_label_map(_read(self._file, "label map"), self._file.address)

    @of_what_exists
    def preview(self) -> JSONPreview:
        """Give kedro-viz the file, be it JSON or YAML, which holds JSON as well, or CSV, which is one text in it."""
        return json_preview(yaml.safe_load(_read(self._file, "label map")))

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: a person writes it."""
        raise DatasetError("A label map is written by people: it is read, never written.")

    def _exists(self) -> bool:
        return self._file.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._file.address}


class TaxonomyDataset(AbstractDataset[NoReturn, Taxonomy]):
    """Loads a CSV of labels and their taxa, or a taxonomy of nothing without a ``filepath``. It is never written.

    ``filepath`` is a path, or a URL such as ``s3://bucket/taxonomy.csv``. ``datasets`` are the names that this
    project's data sets have in the table, where they differ.

    YAML example::

        taxonomy:
          type: animl_kedro.datasets.label_map.TaxonomyDataset
          filepath: data/01_raw/lila-taxonomy-mapping_release.csv
          datasets:
            channel_islands: Channel Islands Camera Traps

    Python example::

        taxonomy = TaxonomyDataset(filepath="data/01_raw/taxonomy.csv").load()
        taxonomy.taxa("channel_islands", "fox")
    """

    def __init__(
        self,
        *,
        filepath: str | None = None,
        datasets: dict[str, str] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if datasets:
            check_dataset_names(datasets)
        if faulty := [name for name, alias in (datasets or {}).items() if not isinstance(alias, str) or not alias]:
            raise DatasetError(f"`datasets:` gives no name for {faulty[0]!r}: expected its name in the taxonomy.")
        self._file = InputFile(filepath) if filepath else None
        self._names = datasets or {}
        self.metadata = metadata

    def load(self) -> Taxonomy:
        """Read the taxonomy. Raises InputError where the file is no such table."""
        if self._file is None:
            return Taxonomy()
        return parse_taxonomy(_read(self._file, "taxonomy"), self._file.address, self._names)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: it comes from outside."""
        raise DatasetError("A taxonomy comes from outside: it is read, never written.")

    def _exists(self) -> bool:
        return self._file is None or self._file.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._file and self._file.address}


def _read(file: InputFile, kind: str) -> bytes:
    try:
        with file.at_hand() as path:
            return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The {kind} {file.address} cannot be read: {error.strerror}. Put the file there, or set another "
            "`filepath:` in conf/local/catalog.yml."
        ) from error
