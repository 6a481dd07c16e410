"""Exports as no program should write them: as records in memory, and as files of every format that is read."""

import csv
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from animl_kedro.formats.coco_camera_traps import CctExport
from factories import CATEGORIES, annotation_record, image_id, image_record

# Records

JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(
        [
            "NA",
            "None",
            "42",
            42,
            "../x",
            "..",
            "a/",
            "nul",
            "x?",
            "a/b",
            "A/B",
            "a",
            "2024-05-06T07:08:09Z",
            "9999-12-31",
            1e308,
        ]
    ),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=3), children, max_size=2),
    max_leaves=5,
)
FEW = st.integers(0, 3)


@st.composite
def mangled(draw: st.DrawFn, kind: str, junk: st.SearchStrategy[Any] = JUNK) -> Any:
    """A record as it should be, or with some fields changed or gone, or something else altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(junk)
    number, other = draw(FEW), draw(FEW)
    if kind == "image":
        record = image_record(number, file_name=image_record(other)["file_name"] if draw(st.booleans()) else "a/b")
    else:
        box = draw(st.none() | st.lists(st.floats() | st.integers(-300, 300), min_size=4, max_size=4))
        category, validated = draw(st.integers(0, 3)), draw(st.booleans())
        record = annotation_record(
            number, image_id=image_id(other), bbox=box, category_id=category, validated=validated
        )
    for name in draw(st.lists(st.sampled_from(sorted(record)), max_size=3)):
        record[name] = draw(junk)
        if draw(st.booleans()):
            del record[name]
    return record


def text_of_id(record: Any) -> str:
    """The id that a record is known by: text, or a whole number as text; nothing for all else."""
    value = record.get("id") if isinstance(record, dict) else None
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


EXPORTS = st.builds(
    CctExport,
    images=st.lists(mangled("image"), max_size=6),
    annotations=st.lists(mangled("annotation"), max_size=8),
    categories=st.just(CATEGORIES),
    info=st.just({}),
)

# Bytes


@dataclass(frozen=True)
class ExportFile:
    """A file to read; `inner` is the JSON in it, where that can be read by whoever can read JSON."""

    data: bytes
    inner: bytes | None = None


BEYOND_JSON = {
    b'"@0"': b"NaN",
    b'"@1"': b"-Infinity",
    b'"@2"': b"1" * 400,
    b'"@3"': b"-1e999",
    b'"@4"': b'"\\ud83d fox \\uDD8A"',
    b'"@5"': b'"\\\\ud83d\\udd8a"',
    b'"@6"': b'"a","id":"twice"',
    b'"@7"': b"[" * 300 + b"]" * 300,
    b'"@8"': b'{"a":' * 1000 + b"0" + b"}" * 1000,
    b'"@9"': b"[[[0]]",
}
"""What stands in a file for these texts: numbers and nesting beyond measure, halves of an emoji, a field twice."""

FILE_JUNK = st.integers(0, 7).flatmap(lambda n: JUNK if n else st.sampled_from([*map(json.loads, BEYOND_JSON)]))


RNG = st.randoms(use_true_random=True)
"""What hypothesis draws itself is small or nothing too often for most of a file to be whole."""

BOXES = (
    [60, 40, 50, 30],
    [0, 0, 200, 150],
    [-9.5, 40, 50, 30],
    [150, 100, 999, 50.5],
    [200, 0, 5, 5],
    [5, 5, 0, 9],
    None,
)
TINY = (1e-9, 1e-4, 0.25, 0.5, 0.75, 0.999999, 1, -0.25, 1e308)
FILE_NAMES = (
    "camera",
    "CAMERA/0001.JPG",
    "ca\u00f1a.jpg",
    "can\u0303a.jpg",
    "why?.jpg",
    "why_.jpg",
    "../x",
    "camera/a./b",
)
IDS = ("island/island:0001", "other/island:0001", "other/label-0001", 1, "1")
ODD_CATEGORIES = ({"id": "1", "name": "cat"}, {"id": 3, "name": "NA"}, {"id": 1, "name": "fox"}, {"name": "wolf"}, None)
PARTS = (("images", "annotations", "categories", "info"), ("info", "categories", "images", "annotations"))


def _image(rng: random.Random, number: int) -> dict[str, Any]:
    record = image_record(number)
    if rng.random() < 0.2:
        record["file_name"] = rng.choice(FILE_NAMES)
    if rng.random() < 0.2:
        del record["width"], record["height"]
    if rng.random() < 0.05:
        record["corrupt"] = True
    return record


def _annotation(rng: random.Random, number: int) -> dict[str, Any]:
    record = annotation_record(number, image_id=image_id(rng.randrange(4)), category_id=rng.choice([0, 1, 1, 2]))
    if rng.random() < 0.3:
        return record | {"bbox": None, "bbox_relative": [rng.choice(TINY) for _ in range(4)]}
    if rng.random() < 0.5:
        record["bbox"] = rng.choice(BOXES)
    return record | ({"validated": False, "confidence": rng.random()} if rng.random() < 0.2 else {})


def _mangle(rng: random.Random, records: list[Any], junk: Callable[[], Any]) -> None:
    """Change one of the records: it, or a field of it, becomes something else, another's, one of an odd id or none."""
    place = rng.randrange(len(records))
    record = records[place]
    if rng.random() < 0.1 or not isinstance(record, dict):
        records[place] = junk()
        return
    name = rng.choice([*record, "media_type", "id", "more"])
    other = rng.choice(records)
    match rng.randrange(6):
        case 0:
            record.pop(name, None)
        case 1 if isinstance(other, dict):
            record[name] = other.get(name)
        case 2:
            record["id"] = rng.choice(IDS)
        case 3:
            records.append(dict(other) if isinstance(other, dict) else other)
        case _:
            record[name] = junk()


@st.composite
def _json_data(draw: st.DrawFn, rng: random.Random) -> bytes:
    """An export in JSON, as Animl, LILA or Python writes one, with mangled records and more beyond JSON."""

    def junk() -> Any:
        return draw(FILE_JUNK)

    lists: dict[str, Any] = {
        "images": [_image(rng, number) for number in range(rng.randint(1, 5))],
        "annotations": [_annotation(rng, number) for number in range(rng.randint(1, 8))],
        "categories": [*CATEGORIES],
        "info": {"version": "1.0"},
    }
    for _ in range(rng.randrange(6)):
        _mangle(rng, lists[rng.choice(["images", "annotations"])], junk)
    if rng.random() < 0.1:
        lists["categories"].append(rng.choice(ODD_CATEGORIES))
    if rng.random() < 0.05:
        lists[rng.choice([*lists])] = junk()
    content = {part: lists[part] for part in rng.choice(PARTS) if rng.random() < 0.99}
    text = json.dumps(content, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 2]))
    data = text.encode()
    for stand_in, written in BEYOND_JSON.items():
        data = data.replace(stand_in, written)
    return data


def _cut(data: bytes, at: int, _: bytes) -> bytes:
    return data[:at]


def _flip(data: bytes, at: int, more: bytes) -> bytes:
    return data[:at] + bytes(byte ^ 1 << more[0] % 8 for byte in data[at : at + 1]) + data[at + 1 :]


def _delete(data: bytes, at: int, more: bytes) -> bytes:
    return data[:at] + data[at + more[0] :]


def _insert(data: bytes, at: int, more: bytes) -> bytes:
    return data[:at] + more + data[at:]


def _repeat(data: bytes, at: int, more: bytes) -> bytes:
    return data[: at + more[0]] + data[at:]


WAYS = (_cut, _flip, _delete, _insert, _repeat)


def _damaged(rng: random.Random, data: bytes) -> bytes:
    for _ in range(rng.randint(1, 3)):
        data = rng.choice(WAYS)(data, rng.randint(0, len(data)), rng.randbytes(rng.randint(1, 4)))
    return data


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def _gzipped_in_two(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


WRAPPERS: tuple[Callable[[bytes], bytes], ...] = (
    lambda data: data,
    lambda data: b"\xef\xbb\xbf" + data,
    gzip.compress,
    _gzipped_in_two,
    lambda data: zipped({"export.json": data}),
    lambda data: zipped({"ex\u00f6/export.json": data, "__MACOSX/ex\u00f6/._export.json": b"\x00"}, zipfile.ZIP_LZMA),
    lambda data: zipped({"export.json": data}, zipfile.ZIP_BZIP2),
)


@st.composite
def export_files(draw: st.DrawFn) -> ExportFile:
    """The bytes of a file that is or was an export, plain or packed; damaged outside, inside or not at all."""
    rng = draw(RNG)
    data = draw(_json_data(rng))
    where = rng.choice(["nowhere", "nowhere", "nowhere", "inside", "outside"])
    if where == "inside":
        data = _damaged(rng, data)
    packed = rng.choice(WRAPPERS)(data)
    return ExportFile(_damaged(rng, packed)) if where == "outside" else ExportFile(packed, data)


# Camtrap DP

COLUMNS = {
    "deployments": ("deploymentID", "locationID", "locationName"),
    "media": ("mediaID", "deploymentID", "timestamp", "filePath", "fileMediatype", "fileName", "exifData"),
    "observations": (
        *("observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel"),
        *("observationType", "scientificName", "bboxX", "bboxY", "bboxWidth", "bboxHeight"),
        *("classificationMethod", "classificationProbability"),
    ),
}
USUAL = {
    "deploymentID": "d1",
    "locationID": "ridge",
    "timestamp": "2024-05-06T07:08:09Z",
    "fileMediatype": "image/jpeg",
    "exifData": '{"ImageWidth": 200, "ImageHeight": 150}',
    "eventStart": "2024-05-06T07:08:00Z",
    "eventEnd": "2024-05-06T07:09:00Z",
    "observationLevel": "media",
    "observationType": "animal",
    "scientificName": "fox",
    "classificationMethod": "human",
}
CELLS = st.text(max_size=6) | st.sampled_from(
    [
        *("", "m0", "m1", "o1", "d1", "NA", "nan", "inf", "1e-9", "0.5", "1", "-1", "1e308", "x" * 300),
        *("event", "blank", "unknown", "machine", "video/mp4", "../x", "https://a.org/b%2F..%2Fc.jpg?d", "s3://b/c"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31", "2024-05-06T07:08:09", '{"ImageWidth": 1e999}', "[" * 1000),
    ]
)


@st.composite
def _table(draw: st.DrawFn, rng: random.Random, table: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS[table])
    writer.writeheader()
    for number in range(1 if table == "deployments" else rng.randint(1, 5)):
        row = {name: USUAL.get(name, "") for name in COLUMNS[table]}
        if table == "media":
            row |= {"mediaID": f"m{number}", "filePath": f"media/{number}.jpg"}
            row["exifData"] = rng.choice(["", row["exifData"]])
        if table == "observations":
            row |= {"observationID": f"o{number}", "mediaID": f"m{rng.randrange(5)}"}
            if rng.random() < 0.2:
                row |= {"mediaID": "", "observationLevel": "event"}
            if rng.random() < 0.5:
                row |= {name: str(rng.choice(TINY)) for name in row if name.startswith("bbox")}
        for name in rng.sample(COLUMNS[table], rng.choice([0, 0, 1, 2])):
            row[name] = draw(CELLS)
        writer.writerow(row)
    return text.getvalue().encode()


@st.composite
def packages(draw: st.DrawFn) -> dict[str, bytes]:
    """The files of a Camtrap DP package with mangled cells, one of which may be damaged or absent."""
    rng = draw(RNG)
    schema = rng.choice([None, {"missingValues": [""]}])
    resources = [{"name": name, "path": f"{name}.csv", "schema": schema} for name in COLUMNS]
    files = {f"{name}.csv": draw(_table(rng, name)) for name in COLUMNS}
    files["datapackage.json"] = json.dumps({"name": "island", "resources": resources}).encode()
    name = rng.choice([*files])
    if rng.random() < 0.2:
        files[name] = _damaged(rng, files[name])
    if rng.random() < 0.05:
        del files[name]
    return files
