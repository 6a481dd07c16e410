"""An export is read from whatever it lies in, and what is damaged, hostile or something else is refused."""

import gzip
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.export_files import read_export_file
from factories import PACKAGE, export_bytes, make_export
from mangled_exports import zipped

EXPORT = make_export(3)
DATA = export_bytes(EXPORT)


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def write_package(folder: Path, **changes: bytes) -> Path:
    for name, data in (PACKAGE | changes).items():
        write(folder / name, data)
    return folder


def package_with_media_at(*paths: object) -> bytes:
    """The datapackage.json of a package whose media are at another path."""
    content = orjson.loads(PACKAGE["datapackage.json"])
    content["resources"][1]["path"] = list(paths)
    return orjson.dumps(content)


def check_records(export: CctExport) -> None:
    assert export.images == EXPORT.images
    assert export.annotations == EXPORT.annotations
    assert list(export.categories) == list(EXPORT.categories)


def check_package(export: CctExport) -> None:
    assert [(image["id"], image["location"]) for image in export.images] == [("m1", "ridge")]
    assert [(label["id"], label["image_id"]) for label in export.annotations] == [("o1", "m1")]
    assert [category["name"] for category in export.categories] == ["empty", "human"]
    assert export.cut_off is None


def refusal_of(path: Path, max_bytes: int = 10**9) -> str:
    """The message of the error with which a file is refused, which begins with or has the file's path."""
    with pytest.raises(InputError) as caught:
        read_export_file(path, max_bytes)
    assert str(path) in str(caught.value)
    return str(caught.value)


def in_halves(data: bytes) -> bytes:
    return gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :])


# Files of one export


@pytest.mark.parametrize("name", ["export.json", "export.json.gz", "export.zip", "export", "export.csv"])
@pytest.mark.parametrize(
    "pack",
    [
        pytest.param(lambda data: data, id="plain"),
        pytest.param(lambda data: b"\xef\xbb\xbf" + data, id="BOM"),
        pytest.param(gzip.compress, id="gzip"),
        pytest.param(in_halves, id="gzip of two members"),
        pytest.param(lambda data: gzip.compress(data) + gzip.compress(b"\n"), id="gzip with an end of line apart"),
        pytest.param(lambda data: zipped({"export.json": data}), id="zip"),
        pytest.param(lambda data: zipped({"export.json": data}, zipfile.ZIP_STORED), id="zip, stored"),
    ],
)
def test_read_export_file_tells_by_the_content_what_a_file_is(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    export = read_export_file(write(tmp_path / name, pack(DATA)))
    check_records(export)
    assert export.cut_off is None


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"labels/of 2024/export.json": DATA}, id="in a sub-folder"),
        pytest.param({"labels/": b"", "labels/export.json": DATA}, id="beside its folder"),
        pytest.param({"export.json": DATA, "__MACOSX/._export.json": b"\x00\x05\x16\x07"}, id="from a Mac"),
        pytest.param({"export.json": DATA, "README.txt": b"read me", "LICENSE": b""}, id="beside other files"),
        pytest.param({"./export.json": DATA}, id="below a dot"),
        pytest.param({"labels//export.json": DATA}, id="behind two slashes"),
        pytest.param({"export.json/": b"", "export.json/export.json": DATA}, id="in a folder of its name"),
    ],
)
def test_zip_with_one_json_file_gives_its_records(tmp_path: Path, members: dict[str, bytes]) -> None:
    check_records(read_export_file(write(tmp_path / "export.zip", zipped(members))))


@pytest.mark.parametrize(
    ("members", "number", "held"),
    [
        ({"notes.txt": b"", "labels.csv": b""}, 0, "labels.csv, notes.txt"),
        ({"b.json": DATA, "a.json": DATA}, 2, "a.json, b.json"),
        ({"__MACOSX/._a.json": DATA}, 0, "nothing"),
        ({f"{letter}.json": DATA for letter in "gfedcba"}, 7, "a.json, b.json, c.json, d.json, e.json"),
    ],
)
def test_zip_without_one_json_file_says_what_it_holds(
    tmp_path: Path, members: dict[str, bytes], number: int, held: str
) -> None:
    message = refusal_of(write(tmp_path / "export.zip", zipped(members)))
    assert f"holds {number} JSON files, expected one export or a datapackage.json (it holds {held})" in message


def test_zip_whose_json_is_no_export_names_both(tmp_path: Path) -> None:
    path = write(tmp_path / "export.zip", zipped({"labels/wrong.json": b"[]"}))
    assert refusal_of(path).startswith(f"{path}, labels/wrong.json holds a JSON list")


def test_zip_whose_json_was_cut_off_gives_its_whole_records(tmp_path: Path) -> None:
    path = write(tmp_path / "export.zip", zipped({"a.json": DATA[: DATA.index(b"label-0002")]}))
    export = read_export_file(path)
    assert (export.images, export.annotations) == (EXPORT.images, EXPORT.annotations[:2])
    assert (export.cut_off or "").startswith(f"{path}, a.json is cut off after")


def test_absent_file_says_where_to_put_it(tmp_path: Path) -> None:
    message = refusal_of(tmp_path / "none.json")
    assert message.startswith(f"There is no export at {tmp_path / 'none.json'}. Export the labels from Animl as COCO")
    assert "`filepath:` under animl_export in conf/local/catalog.yml" in message


def test_path_below_a_file_is_refused_as_an_absent_one(tmp_path: Path) -> None:
    assert "There is no export at" in refusal_of(write(tmp_path / "file", DATA) / "export.json")


# Packages


@pytest.mark.parametrize("folder", ["", "package/", "a/b/"])
def test_zip_of_a_package_gives_its_records(tmp_path: Path, folder: str) -> None:
    members = {folder + name: data for name, data in PACKAGE.items()} | {"more.json": b"{}"}
    check_package(read_export_file(write(tmp_path / "export.zip", zipped(members))))


def test_zip_of_a_package_below_a_dot_gives_its_records(tmp_path: Path) -> None:
    members = {f"./{name}": data for name, data in PACKAGE.items()}
    check_package(read_export_file(write(tmp_path / "export.zip", zipped(members))))


def test_zip_of_a_package_from_a_mac_gives_its_records(tmp_path: Path) -> None:
    members = {"__MACOSX/a/datapackage.json": b"\x00"} | {f"a/{name}": data for name, data in PACKAGE.items()}
    check_package(read_export_file(write(tmp_path / "export.zip", zipped(members))))


@pytest.mark.parametrize("path", ["", "datapackage.json"])
def test_folder_of_a_package_gives_its_records(tmp_path: Path, path: str) -> None:
    check_package(read_export_file(write_package(tmp_path / "package") / path))


def test_folder_without_a_package_says_what_is_expected(tmp_path: Path) -> None:
    write(tmp_path / "export.json", DATA)
    assert "has no datapackage.json. Expected a Camtrap DP package" in refusal_of(tmp_path)


def test_datapackage_that_is_absent_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(str(tmp_path / "none"))):
        read_export_file(tmp_path / "none" / "datapackage.json")


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_package_without_a_file_names_it(tmp_path: Path, form: str) -> None:
    changes = {"datapackage.json": package_with_media_at("more/media.csv")}
    if form == "zip":
        path = write(tmp_path / "export.zip", zipped(PACKAGE | changes))
    else:
        path = write_package(tmp_path / "package", **changes)
    assert "has no file more/media.csv, which its datapackage.json names" in refusal_of(path)


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize(
    "member", ["../media.csv", "/etc/passwd", "a/../../media.csv", "..", "C:\\media.csv", "C:/media.csv", "", 5]
)
def test_package_with_a_path_that_leads_out_of_it_is_refused(tmp_path: Path, form: str, member: object) -> None:
    write(tmp_path / "media.csv", PACKAGE["media.csv"])
    changes = {"datapackage.json": package_with_media_at(member)}
    if form == "zip":
        files = {f"package/{name}": data for name, data in (PACKAGE | changes).items()}
        path = write(tmp_path / "export.zip", zipped(files | {"media.csv": PACKAGE["media.csv"]}))
    else:
        path = write_package(tmp_path / "package", **changes)
    assert "as a path of its resource 'media'" in refusal_of(path)


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("member", ["folder", "media.csv/media.csv"])
def test_package_with_a_path_of_no_file_is_refused(tmp_path: Path, form: str, member: str) -> None:
    files = PACKAGE | {"datapackage.json": package_with_media_at(member), "folder/file.txt": b""}
    if form == "zip":
        path = write(tmp_path / "export.zip", zipped(files))
    else:
        path = write_package(tmp_path / "package", **files)
    assert member in refusal_of(path)


# Damage


def test_gzip_cut_off_anywhere_gives_the_records_that_were_whole(tmp_path: Path) -> None:
    packed = gzip.compress(DATA)
    numbers = []
    for length in range(len(packed) // 4, len(packed)):
        path = write(tmp_path / "export.json.gz", packed[:length])
        export = read_export_file(path)
        assert export.images == EXPORT.images[: len(export.images)]
        assert export.annotations == EXPORT.annotations[: len(export.annotations)]
        assert (export.cut_off or "").startswith(f"{path} is cut off")
        numbers.append(len(export.images) + len(export.annotations))
    assert numbers == sorted(numbers)
    assert numbers[-1] == 6


@pytest.mark.parametrize("length", range(3, 30))
def test_gzip_of_which_nearly_nothing_is_there_is_refused_or_has_no_records(tmp_path: Path, length: int) -> None:
    path = write(tmp_path / "export.json.gz", gzip.compress(DATA)[:length])
    try:
        export = read_export_file(path)
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017 - or it is none
    else:
        assert export.cut_off
        assert not export.annotations


def test_gzip_that_lacks_its_checksum_alone_says_that_all_records_seem_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "export.json.gz", gzip.compress(DATA)[:-3])
    export = read_export_file(path)
    check_records(export)
    assert export.cut_off == f"{path} is cut off, though all of its records seem to be whole"


@pytest.mark.parametrize("lost", [1, 9, 60])
def test_gzip_whose_last_member_was_cut_off_gives_what_is_whole(tmp_path: Path, lost: int) -> None:
    start, end = DATA[: DATA.index(b"label-0001")], DATA[DATA.index(b"label-0001") :]
    path = write(tmp_path / "export.json.gz", gzip.compress(start) + gzip.compress(end)[:-lost])
    export = read_export_file(path)
    assert export.images == EXPORT.images
    assert export.annotations[:1] == EXPORT.annotations[:1]
    assert export.cut_off


@pytest.mark.parametrize("last", [b"\x1f", b"\x1f\x8b", b"\x1f\x8b\x08\x00\x00"])
def test_gzip_that_was_cut_off_at_the_head_of_a_member_gives_what_is_whole(tmp_path: Path, last: bytes) -> None:
    start = DATA[: DATA.index(b"label-0001")]
    export = read_export_file(write(tmp_path / "export.json.gz", gzip.compress(start) + last))
    assert (export.images, export.annotations) == (EXPORT.images, EXPORT.annotations[:1])
    assert export.cut_off


@pytest.mark.parametrize("place", [3, 40, -6])
def test_gzip_that_is_damaged_is_refused(tmp_path: Path, place: int) -> None:
    data = bytearray(gzip.compress(DATA))
    data[place] ^= 0xFF
    assert "cannot be unpacked (" in refusal_of(write(tmp_path / "export.json.gz", bytes(data)))


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(zipfile.ZIP_DEFLATED, id="deflated"),
        pytest.param(zipfile.ZIP_STORED, id="stored"),
    ],
)
def test_zip_that_is_damaged_anywhere_is_read_or_refused(tmp_path: Path, method: int) -> None:
    whole = zipped({"é/export.json": export_bytes(make_export(1))}, method)
    errors: set[str] = set()
    for place in range(4, len(whole)):
        damaged = whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :]
        path = write(tmp_path / "export.zip", damaged)
        try:
            export = read_export_file(path)
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017 - or it is none
            errors.add(str(error))
        else:
            assert export.images == make_export(1).images
    assert any("is not a whole zip file" in error for error in errors)


def test_zip_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    whole = zipped({"export.json": DATA})
    for length in (5, len(whole) // 2, len(whole) - 1):
        path = write(tmp_path / "export.zip", whole[:length])
        assert "is not a whole zip file (" in refusal_of(path)


def test_zip_with_a_password_says_to_unpack_it(tmp_path: Path) -> None:
    data = bytearray(zipped({"export.json": DATA}))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + flags] |= 1
    message = refusal_of(write(tmp_path / "export.zip", bytes(data)))
    assert "encrypted" in message
    assert message.endswith("unpack it, and name the file in it.")


def test_zip_of_an_unknown_method_says_to_unpack_it(tmp_path: Path) -> None:
    data = bytearray(zipped({"export.json": DATA}))
    for header, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(header) + method] = 97
    assert "unpack it, and name the file" in refusal_of(write(tmp_path / "export.zip", bytes(data)))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_of_a_method_that_cannot_be_unpacked_in_pieces_says_to_unpack_it(tmp_path: Path, method: int) -> None:
    message = refusal_of(write(tmp_path / "export.zip", zipped({"export.json": DATA}, method)))
    assert "not packed by the usual method, deflate): unpack it, and name the file" in message


def test_zip_of_two_packages_is_refused(tmp_path: Path) -> None:
    members = {f"{folder}/{name}": data for folder in "ab" for name, data in PACKAGE.items()}
    message = refusal_of(write(tmp_path / "export.zip", zipped(members)))
    assert "holds 2 datapackage.json files" in message


def test_zip_with_a_json_file_in_capitals_gives_its_records(tmp_path: Path) -> None:
    check_records(read_export_file(write(tmp_path / "export.zip", zipped({"EXPORT.JSON": DATA}))))


def test_zip_of_nothing_is_refused(tmp_path: Path) -> None:
    refusal_of(write(tmp_path / "export.zip", zipped({})))


# Bombs


@pytest.mark.parametrize(
    "pack",
    [
        pytest.param(gzip.compress, id="gzip"),
        pytest.param(in_halves, id="gzip of two members"),
        pytest.param(lambda data: zipped({"export.json": data}), id="zip"),
        pytest.param(lambda data: zipped({"export.json": data[:600], "more": data[600:]}), id="zip of two files"),
    ],
)
def test_file_that_unpacks_to_more_than_the_limit_is_refused(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path / "export", pack(DATA))
    message = refusal_of(path, len(DATA) - 1)
    assert message.startswith(f"{path} unpacks to more than {len(DATA) - 1:,} bytes")


@pytest.mark.parametrize("pack", [gzip.compress, in_halves, lambda data: zipped({"export.json": data})])
def test_file_that_unpacks_to_the_limit_is_read(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    export = read_export_file(write(tmp_path / "export", pack(DATA)), len(DATA))
    check_records(export)
    assert export.cut_off is None


def test_plain_file_is_not_held_to_the_limit(tmp_path: Path) -> None:
    check_records(read_export_file(write(tmp_path / "export.json", DATA), 10))


MEGABYTES = 64
ZEROS = bytes(MEGABYTES * 2**20)


def peak_of_refusal(path: Path) -> int:
    tracemalloc.start()
    try:
        refusal_of(path, 2**20)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    assert peak_of_refusal(write(tmp_path / "export.json.gz", gzip.compress(ZEROS))) < 8 * 2**20


def test_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    assert peak_of_refusal(write(tmp_path / "export.zip", zipped({"export.json": ZEROS}))) < 8 * 2**20


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_bomb_that_lies_about_its_size_is_refused_before_it_is_unpacked(tmp_path: Path, method: int) -> None:
    bomb = zipped({"export.json": ZEROS}, method).replace(len(ZEROS).to_bytes(4, "little"), (99).to_bytes(4, "little"))
    assert peak_of_refusal(write(tmp_path / "export.zip", bomb)) < 8 * 2**20


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_gzip_bomb_in_a_package_is_refused(tmp_path: Path, form: str) -> None:
    bomb = gzip.compress(PACKAGE["media.csv"] + b"\n" * (4 * 2**20))
    if form == "zip":
        path = write(tmp_path / "export.zip", zipped(PACKAGE | {"media.csv": bomb}))
    else:
        path = write_package(tmp_path / "package", **{"media.csv": bomb})
    assert "unpacks to more than 1,048,576 bytes" in refusal_of(path, 2**20)
