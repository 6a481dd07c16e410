"""Files appear whole or not at all, and paths that come with the data stay where they belong."""

from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from animl_kedro.files import (
    TEMPORARY_NAME,
    TEMPORARY_SUFFIX,
    fault_of_relative_path,
    inside,
    portable,
    written_whole,
)

FIT = [
    "a.jpg",
    "project/camera/deployment/project-hash.jpg",
    "channel-islands/CHIL - 201/photo.jpg",
    "ñandú/снимок/写真 (1).jpg",
    ".hidden",
    "a..b/..c",
    "-rf",
    "~root/x",
    " leading space",
    "console/com10/nulls/aux1.jpg",
    "x" * 200,
]

UNFIT = [
    pytest.param("", "empty", id="empty"),
    pytest.param("/etc/passwd", "absolute", id="absolute"),
    pytest.param("//host/share", "absolute", id="two slashes"),
    pytest.param("..", "'..'", id="parent"),
    pytest.param("../x", "'..'", id="parent first"),
    pytest.param("a/../../x", "'..'", id="parent within"),
    pytest.param("a/..", "'..'", id="parent last"),
    pytest.param("./a", "'.'", id="here"),
    pytest.param("a//b", "''", id="empty part"),
    pytest.param("a/", "''", id="a folder"),
    pytest.param("C:/x", "':'", id="drive"),
    pytest.param("C:x", "':'", id="drive without a slash"),
    pytest.param("a.jpg:stream", "':'", id="alternate stream"),
    pytest.param("\\\\host\\share", "'\\\\\\\\'", id="UNC"),
    pytest.param("a\\..\\b", "'\\\\\\\\'", id="backslash"),
    pytest.param("con", "device name", id="device"),
    pytest.param("a/NUL/b", "device name", id="device in capitals"),
    pytest.param("Lpt1.tar.gz", "device name", id="device with an ending"),
    pytest.param("a./b", "ends in a dot", id="dot at the end"),
    pytest.param("a/b ", "ends in a dot or a space", id="space at the end"),
    pytest.param("...", "ends in a dot", id="three dots"),
    pytest.param("a\x00.jpg", "x00", id="NUL"),
    pytest.param("a\n.jpg", "'\\\\n'", id="newline"),
    pytest.param("a\x7f", "x7f", id="delete"),
    pytest.param("what?.jpg", r"'\?'", id="question mark"),
    pytest.param("*.jpg", r"'\*'", id="star"),
    pytest.param("a|b", r"'\|'", id="bar"),
    pytest.param('"a"', "'\"'", id="quotation mark"),
    pytest.param("<a>", "'<'", id="angle"),
    pytest.param("x" * 201, "longer than 200 bytes", id="long name"),
    pytest.param("é" * 101, "longer than 200 bytes", id="long name in bytes"),
    pytest.param("a/" * 600 + "a", "longer than 1024 bytes", id="long path"),
    pytest.param("\ud800.jpg", "not Unicode", id="half a surrogate pair"),
]


@pytest.mark.parametrize("path", FIT)
def test_fault_of_relative_path_that_every_file_system_keeps_is_none(path: str) -> None:
    assert fault_of_relative_path(path) is None


@pytest.mark.parametrize(("path", "fault"), UNFIT)
def test_inside_with_an_unfit_path_says_what_is_wrong(path: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=fault):
        inside(tmp_path, path)


def test_inside_joins_the_parts(tmp_path: Path) -> None:
    assert inside(tmp_path, "a/b c/d.jpg") == tmp_path / "a" / "b c" / "d.jpg"


NAMES = st.text(st.sampled_from("ab.~ /\\:\x00é*CONnul1"), max_size=12) | st.text(max_size=30)


@given(st.lists(NAMES, max_size=5).map("/".join))
@example("..")
@example("C:/Windows")
def test_inside_never_leads_out_of_the_folder(path: str) -> None:
    folder = Path("/data/images")
    try:
        joined = inside(folder, path)
    except ValueError:
        return
    assert joined != folder
    assert ".." not in joined.parts
    assert joined.relative_to(folder).as_posix() == path
    assert PureWindowsPath("C:/data").joinpath(path).is_relative_to(PureWindowsPath("C:/data"))


@pytest.mark.parametrize("path", FIT)
def test_portable_path_that_every_file_system_keeps_is_left_alone(path: str) -> None:
    assert portable(path) == path


@pytest.mark.parametrize("path", ["..", "a/../b", "/a", "a//b", "a/", "a\\b", "a\x00", "nul", ""])
def test_portable_makes_nothing_safe_that_was_meant_to_lead_elsewhere(path: str) -> None:
    assert portable(path) == path
    assert fault_of_relative_path(portable(path))


@given(st.lists(NAMES, max_size=5).map("/".join))
def test_portable_path_is_portable_already(path: str) -> None:
    once = portable(path)
    assert portable(once) == once
    assert once.count("/") == path.count("/")
    assert len(once) == len(path)


DEVICES = ("con", "prn", "aux", "nul", "com", "lpt")
PIECES = st.sampled_from(
    [
        *("a", "B", "z9", "_", "-", "~", "x" * 99, "x" * 101, "é", "写", "\U0001f98a", "\ud800", "\u017f", "\u212a"),
        *(".", "..", " ", "/", "//", "/./", "\\", ":", "?", "*", "|", "<", ">", '"', "\n", "\x00", "\x7f", "\x85"),
        *DEVICES,
        *("CON", "Nul", "COM1", "lpt0", "com\u0663", "com\u00b9"),
        *(".jpg", "/con.txt", "nul/", "aux.", "/prn "),
    ]
)
PATHS = st.lists(PIECES | st.text(max_size=4), max_size=14).map("".join)


def is_fit(path: str) -> bool:
    """Whether a path can be kept everywhere, by the rules of `fault_of_relative_path`, one part after the other."""
    return len(path.encode(errors="replace")) <= 1024 and all(map(is_fit_part, path.split("/")))


def is_fit_part(part: str) -> bool:
    stem = part.split(".", maxsplit=1)[0].lower()
    is_device = stem in DEVICES[:4] or (
        len(stem) == 4 and stem[:3] in DEVICES[4:] and (stem[3].isdecimal() or stem[3] in "¹²³")
    )
    is_text = not any(0xD800 <= ord(character) <= 0xDFFF for character in part)
    has_bad = any(ord(character) < 32 or ord(character) == 127 or character in '<>:"\\|?*' for character in part)
    is_long = is_text and len(part.encode()) > 200
    return is_text and not (not part or is_device or has_bad or is_long or part.endswith((".", " ")))


@settings(max_examples=1000)
@given(PATHS)
@example("/".join(["a" * 200] * 5))
@example("/".join(["a" * 127] * 8) + "a")
@example("a" * 200)
@example("a" * 201)
@example("con\n")
@example("a.\n")
@example("a\n")
def test_fault_of_relative_path_of_any_path_agrees_with_its_rules_told_part_by_part(path: str) -> None:
    assert (fault_of_relative_path(path) is None) == is_fit(path)


@settings(max_examples=500)
@given(st.lists(st.sampled_from(["a", "1", ".", "-", "_", "/", *DEVICES, "NUL", "com7"]), max_size=8).map("".join))
def test_fault_of_relative_path_of_plain_characters_agrees_with_its_rules_told_part_by_part(path: str) -> None:
    assert (fault_of_relative_path(path) is None) == is_fit(path)


@given(PATHS)
def test_portable_of_any_path_changes_nothing_but_what_some_file_system_cannot_keep(path: str) -> None:
    changed = portable(path)
    assert len(changed) == len(path)
    for place, (before, after) in enumerate(zip(path, changed, strict=True)):
        ends_a_part = path[place + 1 : place + 2] in ("", "/")
        if before in '<>:"|?*':
            assert after == "_"
        elif before != after:
            assert after == "_"
            assert before in ". "
            assert ends_a_part


@given(PATHS)
def test_portable_of_any_path_leaves_nothing_that_an_underscore_mends(path: str) -> None:
    changed = portable(path)
    assert not set(changed) & set('<>:"|?*')
    assert not any(part.endswith((".", " ")) and part.strip(".") for part in changed.split("/"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a:b/c|d", "a_b/c_d"),
        ("a./b ", "a_/b_"),
        ("a../b", "a._/b"),
        ("nul:", "nul_"),
        ("con.", "con_"),
        ("con.?", "con._"),
        (" ", "_"),
        (". ", "._"),
        ("why?/..", "why_/.."),
        ("../why?", "../why_"),
        ("C:\\x", "C_\\x"),
        ("ñ?é", "ñ_é"),
    ],
)
def test_portable_path_with_what_some_file_system_cannot_keep_gets_underscores(path: str, expected: str) -> None:
    assert portable(path) == expected


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_written_whole_appears_at_the_end_only(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "file.txt"
    with written_whole(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.suffix == TEMPORARY_SUFFIX
    assert target.read_text() == "whole"
    assert files_in(target.parent) == ["file.txt"]


def test_written_whole_replaces_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old, and longer")
    with written_whole(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old, and longer"
    assert target.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_written_whole_with_an_error_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def write_half(target: Path) -> None:
        with written_whole(target) as temporary:
            temporary.write_text("hal")
            raise error

    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(error):
        write_half(target)
    assert target.read_text() == "old"
    assert files_in(tmp_path) == ["file.txt"]


def test_written_whole_with_an_error_before_anything_was_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="early"), written_whole(tmp_path / "file.txt"):
        raise ValueError("early")
    assert files_in(tmp_path) == []


def test_written_whole_that_was_given_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "file.txt"):
        pass


def test_written_whole_makes_a_folder_appear_complete(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with written_whole(target) as temporary:
        temporary.mkdir()
        (temporary / "a").write_text("a")
        assert not target.exists()
    assert files_in(target) == ["a"]
    assert files_in(tmp_path) == ["folder"]


def test_written_whole_folder_with_an_error_leaves_nothing(tmp_path: Path) -> None:
    def write_half(target: Path) -> None:
        with written_whole(target) as temporary:
            temporary.mkdir()
            (temporary / "a").write_text("a")
            raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        write_half(tmp_path / "folder")
    assert files_in(tmp_path) == []


def test_written_whole_twice_at_once_does_not_mix_the_files(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    with written_whole(target) as first, written_whole(target) as second:
        first.write_text("first")
        second.write_text("second")
    assert target.read_text() == "first"
    assert files_in(tmp_path) == ["file.txt"]


@pytest.mark.parametrize("name", ["file.txt", ".hidden", "x.part", "ñ.jpg"])
def test_written_whole_of_any_name_writes_under_a_temporary_one(tmp_path: Path, name: str) -> None:
    with written_whole(tmp_path / name) as temporary:
        temporary.write_text("whole")
        assert TEMPORARY_NAME.fullmatch(temporary.name)
    assert not TEMPORARY_NAME.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    [
        "0123456789ab.part",
        ".0123456789a.part",
        ".0123456789abc.part",
        ".0123456789AB.part",
        ".0123456789ag.part",
        ".0123456789ab.parts",
        ".0123456789ab_part",
        ".0123456789ab.part\n",
        "x.0123456789ab.part",
    ],
)
def test_temporary_name_that_is_only_alike_is_none(name: str) -> None:
    assert TEMPORARY_NAME.fullmatch(name) is None
