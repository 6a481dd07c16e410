"""Exports that are whole are read as they are; of all others the message tells what is wrong and what to do."""

import itertools
import json
import re
from typing import Any

import orjson
import pytest

from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import parse_cct
from factories import CATEGORIES, annotation_record, export_bytes, image_record, make_export

RECORDS = {
    # what a search for the end of a record can trip over: characters of many bytes, braces and quotes in text, objects
    "images": [image_record(number, location='pla}]ça "🦊" \\', exif={"gps": {"n": [{}]}}) for number in range(4)],
    "annotations": [annotation_record(number) for number in range(5)],
    "categories": [*CATEGORIES],
}


def written(parts: tuple[str, ...]) -> tuple[bytes, list[tuple[str, int]]]:
    """An export as a stream writes it, part by part, and where each of its records ends."""
    data, ends = b"{", []
    for part in parts:
        data += (b"" if data == b"{" else b",") + orjson.dumps(part) + b":"
        if part == "info":
            data += orjson.dumps({"version": "1.0", "contributor": {"name": "Ñandú"}})
            continue
        data += b"["
        for number, record in enumerate(RECORDS[part]):
            data += (b"," if number else b"") + orjson.dumps(record)
            ends.append((part, len(data)))
        data += b"]"
    return data + b"}", ends


def test_parse_cct_of_a_whole_export_gives_its_records() -> None:
    export = parse_cct(written(("info", "images", "annotations", "categories"))[0], "export.json")
    assert export.images == RECORDS["images"]
    assert export.annotations == RECORDS["annotations"]
    assert export.categories == RECORDS["categories"]
    assert export.info == {"version": "1.0", "contributor": {"name": "Ñandú"}}


@pytest.mark.parametrize("info", [None, "2024", [], 5])
def test_parse_cct_without_usable_info_gives_an_empty_one(info: Any) -> None:
    data = orjson.dumps({"images": [], "annotations": [], "categories": [], "info": info})
    assert parse_cct(data, "export.json").info == {}


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(("images", "annotations", "categories", "info"), id="as Animl writes it"),
        pytest.param(("info", "categories", "images", "annotations"), id="as LILA writes it"),
    ],
)
def test_parse_cct_cut_off_anywhere_gives_and_counts_what_is_whole(parts: tuple[str, ...]) -> None:
    data, ends = written(parts)
    for length in itertools.chain(range(1, len(data) - 1, 7), (end + more for _, end in ends for more in (-1, 0, 1))):
        export = parse_cct(data[:length], "export.json")
        whole = [part for part, end in ends if end <= length]
        for part in RECORDS:
            assert getattr(export, part) == RECORDS[part][: whole.count(part)]
        images, annotations = whole.count("images"), whole.count("annotations")
        counts = f"with {images} whole images and {annotations} whole annotations"
        assert export.cut_off == f"export.json is cut off after {length:,} bytes, {counts}"


def test_parse_cct_of_a_whole_export_says_nothing_of_an_end() -> None:
    assert parse_cct(WHOLE, "export.json").cut_off is None


def test_parse_cct_of_an_indented_export_that_was_cut_off_gives_and_counts_what_is_whole() -> None:
    data = export_bytes(make_export(3), indent=True)
    assert parse_cct(data, "export.json").images == make_export(3).images
    export = parse_cct(data[: data.index(b"label-0002")], "export.json")
    assert export.images == make_export(3).images
    assert export.annotations == make_export(3).annotations[:2]
    assert export.categories == []
    assert "with 3 whole images and 2 whole annotations" in (export.cut_off or "")


def test_parse_cct_of_escaped_text_that_was_cut_off_anywhere_gives_what_is_whole() -> None:
    images = [
        image_record(number, location='pla}]ça "🦊" \\', slope=[-1.5e-7, True, False, None]) for number in range(2)
    ]
    written_images = [json.dumps(image) for image in images]
    data = '{"images": [' + ", ".join(written_images) + '], "annotations": [], "categories": []}'
    ends = [data.index(text) + len(text) for text in written_images]
    for length in range(1, len(data)):
        export = parse_cct(data[:length].encode(), "export.json")
        assert export.cut_off
        assert export.images == [image for image, end in zip(images, ends, strict=True) if end <= length]


@pytest.mark.parametrize(
    "strange", [pytest.param("NaN", id="a number of Python's"), pytest.param('"\\ud83d"', id="half an emoji")]
)
def test_parse_cct_of_what_goes_beyond_json_and_was_cut_off_gives_what_is_whole(strange: str) -> None:
    images = [image_record(number, width=None) for number in range(3)]
    data = export_bytes(make_export(images)).replace(b'"width":null', b'"width":' + strange.encode())
    export = parse_cct(data[: data.index(b"label-0002")], "export.json")
    assert [record["id"] for record in export.images] == [record["id"] for record in images]
    assert len(export.annotations) == 2
    assert "with 3 whole images and 2 whole annotations" in (export.cut_off or "")


def test_parse_cct_of_latin_1_that_was_cut_off_does_not_say_that_nothing_is_whole() -> None:
    data = WHOLE.replace(b"place", b"pla\xe7e")
    with pytest.raises(InputError, match="is not JSON"):
        parse_cct(data[: data.index(b"label-0002")], "export.json")


@pytest.mark.parametrize("data", [b"", b"  \n"])
def test_parse_cct_of_nothing_says_that_it_is_empty(data: bytes) -> None:
    with pytest.raises(InputError, match=re.escape("export.json is empty, expected a COCO Camera Traps export")):
        parse_cct(data, "export.json")


WHOLE = export_bytes(make_export(3))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"image_id,label\n1,fox\n", id="CSV"),
        pytest.param(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", id="XML"),
        pytest.param(WHOLE + b"and more text", id="more at the end"),
        pytest.param(WHOLE.replace(b"]", b",]", 1), id="a comma too many"),
        pytest.param(WHOLE.replace(b"place", b"pla\xe7e"), id="Latin-1"),
    ],
)
def test_parse_cct_of_what_is_not_json_says_so(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^export\.json is not JSON \(.*line .*\), expected a COCO Camera Traps"):
        parse_cct(data, "export.json")


@pytest.mark.parametrize(("data", "kind"), [(b"[]", "list"), (b"3", "int"), (b'"text"', "str"), (b"null", "NoneType")])
def test_parse_cct_of_json_that_is_no_object_says_what_it_is(data: bytes, kind: str) -> None:
    with pytest.raises(InputError, match=f"holds a JSON {kind}, expected an object with images, annotations, cat"):
        parse_cct(data, "export.json")


@pytest.mark.parametrize("part", ["images", "annotations", "categories"])
@pytest.mark.parametrize("value", [None, {}, "images", 3])
def test_parse_cct_without_a_part_names_it_and_what_is_there(part: str, value: Any) -> None:
    content = {"info": {}, "images": [], "annotations": [], "categories": []} | {part: value}
    with pytest.raises(InputError, match=f"no list of {part}; it holds 'info', 'images', .*export it from Animl again"):
        parse_cct(orjson.dumps(content), "export.json")


def test_parse_cct_of_megadetector_results_names_all_that_is_absent() -> None:
    with pytest.raises(InputError, match="no list of annotations and categories; it holds 'images', 'detection_cat"):
        parse_cct(orjson.dumps({"images": [], "detection_categories": {}}), "results.json")


def test_parse_cct_of_an_empty_object_says_that_it_holds_nothing() -> None:
    with pytest.raises(InputError, match="it holds nothing"):
        parse_cct(b"{}", "export.json")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b'\xef\xbb\xbf{"images": [], "annotations": [], "categories": []}', []),
        (b'{"images": [{"id": "a", "width": NaN}], "annotations": [], "categories": []}', [{"id": "a", "width": None}]),
        (b'{"images": [{"id": "\\ud83d fox"}], "annotations": [], "categories": []}', [{"id": "\ufffd fox"}]),
        (b'{"images": [{"id": "\\ud83e\\udd8a"}], "annotations": [], "categories": []}', [{"id": "\U0001f98a"}]),
        (
            b'{"images": [{"id": "\\udd8a", "x": NaN}], "annotations": [], "categories": []}',
            [{"id": "\ufffd", "x": None}],
        ),
    ],
)
def test_parsing_what_python_javascript_and_windows_write_beyond_json_goes_on(written: bytes, read: list[Any]) -> None:
    assert parse_cct(written, "export.json").images == read


def test_parsing_beyond_json_reads_numbers_as_json_is_read() -> None:
    data = b'{"images": [NaN, 7, 99999999999999999999, 1e3], "annotations": [], "categories": []}'
    images = parse_cct(data, "export.json").images
    assert images == [None, 7, 1e20, 1000.0]
    assert [type(number) for number in images[1:]] == [int, float, float]


def test_parsing_beyond_json_of_too_deep_a_nesting_says_that_it_is_not_json() -> None:
    data = b'{"images": [NaN, ' + b"[" * 100_000 + b"]" * 100_000 + b'], "annotations": [], "categories": []}'
    with pytest.raises(InputError, match="is not JSON"):
        parse_cct(data, "export.json")
