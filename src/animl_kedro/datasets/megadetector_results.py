"""MegaDetector results as a Kedro dataset."""

from pathlib import Path
from typing import Any

import orjson
from kedro.io import AbstractDataset

from animl_kedro.errors import InputError
from animl_kedro.files import written_whole
from animl_kedro.formats.megadetector import Results, check_results


class MegaDetectorResultsDataset(AbstractDataset[Results, Results]):
    """Loads and saves a MegaDetector results file (format 1.6), checked both ways and written whole.

    YAML example::

        detections:
          type: animl_kedro.datasets.megadetector_results.MegaDetectorResultsDataset
          filepath: data/03_primary/detections.json
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Results:
        """Read the results. Raises InputError where the file is not in the format."""
        try:
            return check_results(orjson.loads(self._filepath.read_bytes()))
        except orjson.JSONDecodeError as error:
            raise InputError(f"{self._filepath} is not JSON: {error}") from error

    def save(self, data: Results) -> None:
        """Write the results."""
        with written_whole(self._filepath) as temporary:
            temporary.write_bytes(orjson.dumps(check_results(data), option=orjson.OPT_INDENT_2))

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
