"""Kedro's own datasets, made to write whole files.

kedro-datasets writes straight into the final file, so that a run that is killed leaves half of one behind. These are
the same datasets over a local file system that writes beside the file and moves it into place at the end. Files on
S3 and its like are written whole by nature and stay as they are.
"""

import csv
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar

import pandas as pd
from fsspec.implementations.local import LocalFileSystem
from kedro_datasets import json, pandas, text
from kedro_datasets._typing import HTMLPreview, JSONPreview, TablePreview

from animl_kedro.datasets.previews import ROWS, json_preview, of_what_exists, table_preview
from animl_kedro.files import written_whole
from animl_kedro.formats.spreadsheet_text import defused, restored


class WholeFileSystem(LocalFileSystem):  # type: ignore[misc] # fsspec is untyped
    """A local file system where a file that is written appears when it is complete, and not at all on an error."""

    def open(self, path: str, mode: str = "rb", **options: Any) -> AbstractContextManager[IO[Any]]:
        """Open a file for reading as usual, or for writing whole."""
        if "w" not in mode:
            return super().open(path, mode, **options)  # type: ignore[no-any-return]
        return _open_whole(Path(self._strip_protocol(path)), mode)


@contextmanager
def _open_whole(path: Path, mode: str) -> Iterator[IO[Any]]:
    encoding = None if "b" in mode else "utf-8"
    with written_whole(path) as temporary, temporary.open(mode, encoding=encoding) as file:
        yield file


class WrittenWhole:
    """Mixin that puts a `WholeFileSystem` in the place of the local file system."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        if self._protocol == "file":  # type: ignore[attr-defined]
            self._fs = WholeFileSystem()


class ParquetDataset(WrittenWhole, pandas.ParquetDataset):  # type: ignore[misc]
    """`kedro_datasets.pandas.ParquetDataset`, written whole."""

    @of_what_exists
    def preview(self, nrows: int = ROWS) -> TablePreview:
        """Give kedro-viz the first rows; no more of the file is decoded."""
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - only who looks at a table needs it

        with self._fs.open(str(self._get_load_path()), "rb") as file, ParquetFile(file) as parquet:
            batch = next(parquet.iter_batches(nrows), None)
            rows = parquet.schema_arrow.empty_table() if batch is None else batch
            return table_preview(rows.to_pandas())


class CSVDataset(WrittenWhole, pandas.CSVDataset):  # type: ignore[misc]
    """`kedro_datasets.pandas.CSVDataset`, written whole, with all text in quotation marks.

    Python writes a text with a carriage return without them, and pandas reads it back as two rows. A text that a
    spreadsheet would run as a formula has an apostrophe in front in the file, see `spreadsheet_text`.
    """

    DEFAULT_SAVE_ARGS: ClassVar[dict[str, Any]] = {"index": False, "quoting": csv.QUOTE_NONNUMERIC}

    def load(self) -> pd.DataFrame:
        """Read the table, with all texts as they were."""
        return restored(super().load())

    def save(self, data: pd.DataFrame) -> None:
        """Write the table, with nothing that a spreadsheet would run."""
        super().save(defused(data))

    @of_what_exists
    def preview(self, nrows: int = ROWS) -> TablePreview:
        """Give kedro-viz the first rows; no more of the file is read."""
        first = self._copy()
        first._load_args["nrows"] = nrows
        return table_preview(first.load())


class JSONDataset(WrittenWhole, json.JSONDataset):  # type: ignore[misc]
    """`kedro_datasets.json.JSONDataset`, written whole."""

    @of_what_exists
    def preview(self) -> JSONPreview:
        """Give kedro-viz the content with long lists cut short."""
        return json_preview(self.load())


class TextDataset(WrittenWhole, text.TextDataset):  # type: ignore[misc]
    """`kedro_datasets.text.TextDataset`, written whole; the text is a page of HTML."""

    @of_what_exists
    def preview(self) -> HTMLPreview:
        """Give kedro-viz the page."""
        return HTMLPreview(self.load())
