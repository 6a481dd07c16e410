"""The export of a camera-trap project as a Kedro dataset."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import CctExport, parse_cct


class CocoCameraTrapsDataset(AbstractDataset[NoReturn, CctExport]):
    """Loads a COCO Camera Traps export, as Animl and LILA BC write it. It is never written.

    YAML example::

        animl_export:
          type: animl_kedro.datasets.coco_camera_traps.CocoCameraTrapsDataset
          filepath: data/01_raw/export.json

    Python example::

        export = CocoCameraTrapsDataset(filepath="data/01_raw/export.json").load()
        len(export.images)
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> CctExport:
        """Read and parse the export.

        Raises InputError where there is no file, or where it is not a whole export.
        """
        try:
            data = self._filepath.read_bytes()
        except FileNotFoundError:
            raise InputError(
                f"There is no export at {self._filepath}. Export the labels from Animl as COCO and put the file there, "
                "or set `animl_export: filepath:` in conf/local/catalog.yml."
            ) from None
        return parse_cct(data, str(self._filepath))

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: an export is data from outside."""
        raise DatasetError(f"{self._filepath} is an export from Animl: it is read, never written.")

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
