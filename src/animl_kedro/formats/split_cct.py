"""COCO Camera Traps of the crops of one split, as animl-ml trains on them.

An image of such a file is a crop: its ``file_name`` is the crop's path below the crop folder, while ``orig_id``,
``orig_file_name``, ``width`` and ``height`` are the photograph's. It has one annotation, whose ``bbox`` is in pixels of
the photograph, [x, y, width, height]. The categories are the classes, in the order of the label index.

Source: https://github.com/tnc-ca-geo/animl-ml, classification/utils/create_classification_dataset.py
(create_classification_json), notebooks/create_separate_cct_for_splits.ipynb and classifier/dataset.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, overload

import numpy as np
import orjson
import pandas as pd

from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import CctExport, parse_cct
from animl_kedro.garbage import no_garbage_collection

Record = dict[str, Any]

BATCH = 20_000
"""Records that are made at a time; a million at once would need gigabytes."""


@dataclass(frozen=True)
class TableRecords(Sequence[Record]):
    """The records of a table, made when they are asked for."""

    table: pd.DataFrame
    make: Callable[[pd.DataFrame], list[Record]]

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return self.make(self.table.iloc[index])
        return self.make(self.table.iloc[[index]])[0]

    def __iter__(self) -> Iterator[Record]:
        for start in range(0, len(self), BATCH):
            yield from self[start : start + BATCH]


CROP_COLUMNS = [
    *("crop_id", "dataset", "image_id", "image_path", "annotation_id", "location", "sequence_id", "datetime"),
    *("confidence", "box_left", "box_top", "box_width", "box_height", "relative_width", "relative_height"),
]
"""What a file tells of a crop, of the columns of `Crops`, beside its class."""


def split_cct(crops: pd.DataFrame, label_index: Mapping[str, str], description: str) -> CctExport:
    """The file of some crops: `CROP_COLUMNS` and label, their class.

    Raises InputError where the label index lacks a class.
    """
    if unknown := sorted(set(crops["label"]) - set(label_index.values())):
        raise InputError(f"{len(unknown)} classes of the crops are not in the label index: {', '.join(unknown)}")
    crops = crops.assign(category_id=crops["label"].map({label: int(index) for index, label in label_index.items()}))
    categories = [{"id": int(index), "name": label} for index, label in label_index.items()]
    info = {"version": "1.0", "description": description}
    return CctExport(TableRecords(crops, _images_of), TableRecords(crops, _annotations_of), categories, info)


def write_cct(cct: CctExport, path: Path) -> None:
    """Write a file into a folder that is there."""
    with path.open("wb") as file, no_garbage_collection():
        file.write(b'{"info":' + orjson.dumps(cct.info))
        _write_records("images", cct.images, file)
        _write_records("annotations", cct.annotations, file)
        _write_records("categories", cct.categories, file)
        file.write(b"}\n")


def read_cct(path: Path) -> CctExport:
    """Read a file. Raises InputError where it is absent, is no such file or is cut off."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}), expected a COCO Camera Traps file.") from error
    cct = parse_cct(data, str(path))
    if cct.cut_off:
        raise InputError(f"{cct.cut_off}. Make it again: kedro run --pipeline=dataset_split")
    return cct


def _write_records(name: str, records: Sequence[Any], file: BinaryIO) -> None:
    file.write(f',\n"{name}":['.encode())
    for start in range(0, len(records), BATCH):
        batch = orjson.dumps(records[start : start + BATCH])
        file.write((b",\n" if start else b"\n") + batch.removeprefix(b"[").removesuffix(b"]"))
    file.write(b"]")


def _images_of(crops: pd.DataFrame) -> list[Record]:
    columns = {
        "id": crops["crop_id"],
        "file_name": crops["crop_id"],
        "dataset": crops["dataset"],
        "location": crops["location"],
        "seq_id": crops["sequence_id"],
        "datetime": _iso_8601(crops["datetime"]),
        "width": (crops["box_width"] / crops["relative_width"]).round().astype(int),
        "height": (crops["box_height"] / crops["relative_height"]).round().astype(int),
        "orig_id": crops["image_id"],
        "orig_file_name": crops["image_path"],
    }
    return _records(columns)


def _annotations_of(crops: pd.DataFrame) -> list[Record]:
    columns = {
        "id": crops["crop_id"],
        "image_id": crops["crop_id"],
        "category_id": crops["category_id"],
        "confidence": crops["confidence"],
        "orig_id": crops["annotation_id"],
    }
    boxes = crops[["box_left", "box_top", "box_width", "box_height"]].to_numpy(float).tolist()
    return [record | {"bbox": box} for record, box in zip(_records(columns), boxes, strict=True)]


def _iso_8601(times: pd.Series) -> pd.Series:
    """Times as text to the second; pandas' strftime takes ten times as long as numpy does."""
    text = np.datetime_as_string(times.to_numpy("datetime64[s]"), unit="s")
    return pd.Series(text, index=times.index, dtype=object).where(times.notna(), None)


def _records(columns: Mapping[str, pd.Series]) -> list[Record]:
    """One dictionary a row, with None for what is missing."""
    lists = (_values(column) for column in columns.values())
    return [dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True)]


def _values(column: pd.Series) -> list[Any]:
    if column.isna().any():
        column = column.astype(object).where(column.notna(), None)
    return column.tolist()
