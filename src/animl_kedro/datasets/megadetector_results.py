"""MegaDetector results as a Kedro dataset."""

from typing import Any, NoReturn

import orjson
from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import JSONPreview

from animl_kedro.datasets.input_file import InputFile
from animl_kedro.datasets.names import check_dataset_names
from animl_kedro.datasets.previews import MOST_JSON_BYTES, json_preview, of_what_exists, too_large_preview
from animl_kedro.datasets.stored import StoredDataset
from animl_kedro.errors import InputError
from animl_kedro.formats.megadetector import Results, check_results, in_current_form
from animl_kedro.formats.results_files import read_results_file
from animl_kedro.garbage import no_garbage_collection


class MegaDetectorResultsDataset(StoredDataset[Results]):
    """Loads and saves a MegaDetector results file (format 1.6), checked both ways and written whole.

    YAML example::

        detections:
          type: animl_kedro.datasets.megadetector_results.MegaDetectorResultsDataset
          filepath: data/03_primary/detections.json
    """

    def load(self) -> Results:
        """Read the results. Raises InputError where the file is not in the format."""
        path = self._get_load_path()
        try:
            return check_results(orjson.loads(self._store.read(path)))
        except orjson.JSONDecodeError as error:
            raise InputError(f"{self._store.address(path)} is not JSON: {error}") from error

    def save(self, data: Results) -> None:
        """Write the results."""
        self._store.write(self._get_save_path(), orjson.dumps(check_results(data), option=orjson.OPT_INDENT_2))

    @of_what_exists
    def preview(self) -> JSONPreview:
        """Give kedro-viz the first images with their detections, where the file is not too large to be read so."""
        path = self._get_load_path()
        if (size := self._store.fs.size(self._store.address(path))) > MOST_JSON_BYTES:
            return too_large_preview(size)
        return json_preview(orjson.loads(self._store.read(path)))

    def _exists(self) -> bool:
        try:
            path = self._get_load_path()
        except DatasetError:  # there is no version
            return False
        return self._store.holds(path)

    def _release(self) -> None:
        super()._release()
        self._store.forget()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._store.address(self._filepath), "version": self._version}


class OthersResultsDataset(AbstractDataset[NoReturn, Results]):
    """Loads a file of MegaDetector results that somebody else made. It is never written.

    The file is JSON, plain, gzipped or zipped, of any version of the format. It is loaded in the current one.
    ``filepath`` is a path, or a URL such as ``s3://bucket/detections.json``.

    YAML example::

        inference_detections:
          type: animl_kedro.datasets.megadetector_results.OthersResultsDataset
          filepath: data/01_raw/inference/detections.json
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._file = InputFile(filepath)
        self.metadata = metadata

    def load(self) -> Results:
        """Read the results. Raises InputError where there are none, or a detection is none."""
        with no_garbage_collection():
            return in_current_form(_read(self._file))

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: these results come from outside."""
        raise DatasetError(f"{self._file.address} comes from outside: it is read, never written.")

    def _exists(self) -> bool:
        return self._file.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._file.address}


class ExistingResultsDataset(AbstractDataset[NoReturn, dict[str, Results]]):
    """Loads MegaDetector results that others made, by the data sets' names. It is never written.

    The files are JSON, plain, gzipped or zipped, of any version of the format; in them, ``file`` is relative to the
    folder of the data set's images. LILA BC publishes such files for its data sets. Each is named by a path, or by a
    URL such as ``s3://bucket/detections.json.zip``.

    YAML example::

        existing_detections:
          type: animl_kedro.datasets.megadetector_results.ExistingResultsDataset
          datasets:
            channel_islands: data/01_raw/channel_islands_mdv5a.json.zip

    Python example::

        files = {"channel_islands": "data/01_raw/channel_islands_mdv5a.json.zip"}
        results = ExistingResultsDataset(datasets=files).load()
        results["channel_islands"]["info"]["detector"]
    """

    def __init__(self, *, datasets: dict[str, str] | None = None, metadata: dict[str, Any] | None = None) -> None:
        if datasets:
            check_dataset_names(datasets)
        if faulty := [name for name, filepath in (datasets or {}).items() if not isinstance(filepath, str)]:
            raise DatasetError(f"`datasets:` names no file for {faulty[0]!r}: expected its path.")
        self._files = {name: InputFile(filepath) for name, filepath in (datasets or {}).items()}
        self.metadata = metadata

    def load(self) -> dict[str, Results]:
        """Read the results. Raises InputError where a file is absent or holds none."""
        with no_garbage_collection():
            return {name: _read(file) for name, file in self._files.items()}

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: these results come from outside."""
        raise DatasetError("Existing results of detectors come from outside: they are read, never written.")

    def _exists(self) -> bool:
        return all(file.exists() for file in self._files.values())

    def _describe(self) -> dict[str, Any]:
        return {name: file.address for name, file in self._files.items()}


def _read(file: InputFile) -> Results:
    with file.at_hand() as path:
        return read_results_file(path)
