"""The tables of a Camtrap DP package: what its datapackage.json names, and the columns that are read of it.

Source: https://camtrap-dp.tdwg.org, "Metadata" and "Data", versions 1.0, 1.0.1 and 1.0.2; the resources are those of
https://specs.frictionlessdata.io, "Data Resource".
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import orjson

from animl_kedro.errors import InputError
from animl_kedro.files import fault_of_relative_path
from animl_kedro.formats.unpacking import GZIP_MAGIC, unpack_gzip

DESCRIPTOR = "datapackage.json"
INFO_FIELDS = ("name", "version", "created", "profile")
AGAIN = "Export the package again, as Camtrap DP 1.0 or later."

MISSING_VALUES = ("", "NA", "NaN", "nan")
"""What stands for an empty cell since 1.0.2."""

EARLIER_SCHEMAS = ("/1.0/", "/1.0.1/")
"""Of schemas for which only an empty cell is empty, so that a place may be called NA."""

ENCODING = "utf-8-sig"
"""UTF-8 with or without a byte order mark, which Excel writes."""

LONGEST_CELL = 16 * 1024**2
"""Characters; exifData may hold a thumbnail, and Python's own limit is 131,072."""

PARQUET_MAGIC = b"PAR1"


class Deployment(NamedTuple):
    """A camera's stay at a place. Here and below: fields without a default are columns that must be there."""

    deployment_id: str
    location_id: str = ""
    location_name: str = ""


class Medium(NamedTuple):
    """A photograph or a video."""

    media_id: str
    deployment_id: str
    timestamp: str
    file_path: str
    file_mediatype: str
    file_name: str = ""
    exif_data: str = ""


class Observation(NamedTuple):
    """What was seen on a medium, or in an event, which is a stretch of time of a deployment."""

    observation_id: str
    deployment_id: str
    event_start: str
    event_end: str
    observation_level: str
    observation_type: str
    media_id: str = ""
    event_id: str = ""
    scientific_name: str = ""
    bbox_x: str = ""
    bbox_y: str = ""
    bbox_width: str = ""
    bbox_height: str = ""
    classification_method: str = ""
    classified_by: str = ""
    classification_probability: str = ""


Row = TypeVar("Row", Deployment, Medium, Observation)


@dataclass(frozen=True)
class Package:
    """A package whose datapackage.json was read; its tables are read when they are asked for."""

    read: Callable[[str], bytes]
    name: str
    content: Mapping[str, Any]
    max_bytes: int

    @property
    def info(self) -> dict[str, Any]:
        """What the package says about itself, as far as it does."""
        description = self.content.get("title") or self.content.get("description")
        facts = {name: self.content.get(name) for name in INFO_FIELDS} | {"description": description}
        return {name: fact for name, fact in facts.items() if fact is not None}

    def rows(self, resource_name: str, row_type: type[Row]) -> Iterator[Row]:
        """The rows of a table, in the order of its files. Raises InputError where it is not as it must be."""
        resource = self._resource(resource_name)
        blanks = dict.fromkeys(_missing_values(resource), "")
        for path in self._paths(resource_name, resource):
            yield from self._rows_of_file(path, row_type, blanks)

    def _resource(self, name: str) -> Mapping[str, Any]:
        resources = [part for part in self.content["resources"] if isinstance(part, dict)]
        if found := next((part for part in resources if part.get("name") == name), None):
            return found
        names = ", ".join(repr(part.get("name")) for part in resources) or "none"
        raise InputError(
            f"{self.name} has no resource {name!r}; its {DESCRIPTOR} names {names}. "
            f"Expected deployments, media and observations. {AGAIN}"
        )

    def _paths(self, name: str, resource: Mapping[str, Any]) -> list[str]:
        if "path" not in resource and "data" in resource:
            raise InputError(
                f"{self.name} holds the data of its resource {name!r} within {DESCRIPTOR}, which is not supported. "
                "Expected a CSV file: write the data to one, and name it as the resource's path."
            )
        value = resource.get("path")
        paths: list[Any] = value if isinstance(value, list) and value else [value]
        for path in paths:
            if fault := fault_of_relative_path(path) if isinstance(path, str) else "it is not a text":
                raise InputError(
                    f"{self.name} has {str(path)[:200]!r} as a path of its resource {name!r}: {fault}. Expected the "
                    f"relative path of a CSV file of the package: put the file there, and correct {DESCRIPTOR}."
                )
        return paths

    def _rows_of_file(self, path: str, row_type: type[Row], blanks: Mapping[str, str]) -> Iterator[Row]:
        # a StringIO of the whole text takes four bytes a character, and thrice the time
        text = io.TextIOWrapper(io.BytesIO(self._data(path)), encoding=ENCODING, newline="")
        csv.field_size_limit(LONGEST_CELL)
        # strict: after a quote that is never closed, the rest of the file would be one cell, and its rows be lost
        lines = csv.reader(text, strict=True)
        try:
            header = next(lines, [])
            cells_of = itemgetter(*self._positions(path, header, row_type))
            padding = [""] * (len(header) + 1)  # also the last cell, which is that of columns that are absent
            for line in filter(None, lines):
                cells = cells_of(line + padding)
                yield row_type._make(map(blanks.get, cells, cells))
        except csv.Error as error:
            raise InputError(
                f"{self.name}: {path} is not CSV at line {lines.line_num:,} ({error}). Expected cells separated by "
                "commas, and quotes within quoted cells doubled: correct the line, or export the package again."
            ) from error

    def _positions(self, path: str, header: list[str], row_type: type[Row]) -> list[int]:
        """Where each field's column is; -1, the last cell, for those that need not be there and are not."""
        columns = {field: _column_of(field) for field in row_type._fields}
        required = [column for field, column in columns.items() if field not in row_type._field_defaults]
        if absent := [column for column in required if column not in header]:
            raise InputError(
                f"{self.name}: {path} has no column {' and '.join(absent)}; its columns are "
                f"{', '.join(map(repr, header))[:1000] or 'none'}. Expected {', '.join(required)}. {AGAIN}"
            )
        return [header.index(column) if column in header else -1 for column in columns.values()]

    def _data(self, path: str) -> bytes:
        """The bytes of a file, unpacked, which are sure to be UTF-8."""
        try:
            data = self.read(path)
        except FileNotFoundError as error:
            raise InputError(
                f"{self.name} has no file {path}, which its {DESCRIPTOR} names. "
                "Expected a whole package: download it again, or copy all of its files."
            ) from error
        if data.startswith(PARQUET_MAGIC):
            raise InputError(f"{self.name}: {path} is Parquet, expected CSV. Export the package again with CSV files.")
        # told by its first bytes, because some servers unpack a file and leave its name
        plain = self._unpacked(path, data) if data.startswith(GZIP_MAGIC) else data
        try:
            plain.decode(ENCODING)
        except UnicodeDecodeError as error:
            line = plain.count(b"\n", 0, error.start) + 1
            raise InputError(
                f"{self.name}: {path} is not UTF-8 (line {line:,}, byte {error.start:,}: {error.reason}). "
                "Expected CSV in UTF-8: convert the file, or export the package again."
            ) from error
        return plain

    def _unpacked(self, path: str, data: bytes) -> bytes:
        name = f"{self.name}: {path}"
        plain, whole = unpack_gzip(data, name, self.max_bytes)
        if not whole:
            raise InputError(f"{name} cannot be unpacked: it was cut off. Download the package again.")
        return plain


def open_package(read: Callable[[str], bytes], name: str, max_bytes: int) -> Package:
    """Read a package's datapackage.json. Raises InputError where there is none, or none that names resources."""
    try:
        data = read(DESCRIPTOR)
    except FileNotFoundError as error:
        raise InputError(
            f"{name} has no {DESCRIPTOR}. Expected a Camtrap DP package, which has that file beside its tables."
        ) from error
    try:
        content = orjson.loads(data.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise InputError(f"{name}: {DESCRIPTOR} is not JSON ({error}). {AGAIN}") from error
    if not isinstance(content, dict) or not isinstance(content.get("resources"), list):
        held = ", ".join(map(repr, content)) or "nothing" if isinstance(content, dict) else type(content).__name__
        raise InputError(f"{name}: {DESCRIPTOR} has no list of resources; it holds {held}. {AGAIN}")
    return Package(read, name, content, max_bytes)


def _missing_values(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands for an empty cell: what the resource's own schema says, or the standard's in its version."""
    schema = resource.get("schema")
    if isinstance(schema, dict) and isinstance(values := schema.get("missingValues"), list):
        return tuple(value for value in values if isinstance(value, str))
    earlier = isinstance(schema, str) and any(version in schema for version in EARLIER_SCHEMAS)
    return ("",) if earlier else MISSING_VALUES


def _column_of(field: str) -> str:
    """The standard's name of a field's column: mediaID for media_id, bboxX for bbox_x."""
    first, *others = field.split("_")
    return first + "".join("ID" if part == "id" else part.capitalize() for part in others)
