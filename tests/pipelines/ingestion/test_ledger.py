"""The ledger of a store: every whole line counts, the last one of a file most of all, and no other line harms."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from animl_kedro.pipelines.ingestion.ledger import LEDGER, Entry, opened_ledger, read_ledger

ENTRIES = {
    "island/a.jpg": Entry("original/a.jpg", 10, "0cc175b9c0f1b6a831c399e269772661", 1_700_000_000_123_456_789),
    "island/ñandú/写真 1.jpg": Entry('original/"b"\n.jpg', 1, "92eb5ffee6ae2fec3ad71c777531578f", 1),
    "mainland/c.jpg": Entry("c" * 900, 2**40, "4a8a08f09d37b73795649038408b5f33", 1_700_000_000_000_000_000),
}


def entry(number: int = 0, key: str = "key") -> Entry:
    return Entry(key, number + 1, f"{number:032x}", 10**18 + number)


def write(root: Path, entries: Mapping[str, Entry]) -> None:
    """Write entries down as a run does."""
    with opened_ledger(root) as ledger:
        for path, one in entries.items():
            ledger.add(path, one)


def lines(root: Path) -> list[bytes]:
    return (root / LEDGER).read_bytes().splitlines()


def test_read_ledger_of_what_was_added_gives_it_back(tmp_path: Path) -> None:
    write(tmp_path, ENTRIES)
    assert read_ledger(tmp_path) == ENTRIES
    assert len(lines(tmp_path)) == len(ENTRIES)


@pytest.mark.parametrize("root", ["", "none"])
def test_read_ledger_where_there_is_none_is_empty_and_makes_none(tmp_path: Path, root: str) -> None:
    assert read_ledger(tmp_path / root) == {}
    assert not list(tmp_path.iterdir())


def test_read_ledger_of_an_empty_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / LEDGER).touch()
    assert read_ledger(tmp_path) == {}


def test_opened_ledger_where_there_is_none_is_empty_and_makes_one(tmp_path: Path) -> None:
    with opened_ledger(tmp_path) as ledger:
        assert ledger.entries == {}
    assert read_ledger(tmp_path) == {}
    assert [path.name for path in tmp_path.iterdir()] == [LEDGER]


def test_opened_ledger_of_lines_that_all_count_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, ENTRIES)
    before = (tmp_path / LEDGER).read_bytes(), (tmp_path / LEDGER).stat()
    with opened_ledger(tmp_path) as ledger:
        assert ledger.entries == ENTRIES
    after = (tmp_path / LEDGER).read_bytes(), (tmp_path / LEDGER).stat()
    assert after == before


def test_opened_ledger_has_the_entries_of_its_beginning_and_adds_to_the_file_at_once(tmp_path: Path) -> None:
    write(tmp_path, {"a": entry(0)})
    with opened_ledger(tmp_path) as ledger:
        ledger.add("b", entry(1))
        assert ledger.entries == {"a": entry(0)}
        assert read_ledger(tmp_path) == {"a": entry(0), "b": entry(1)}


def test_opened_ledger_with_an_error_keeps_what_was_added(tmp_path: Path) -> None:
    def add_and_fail() -> None:
        with opened_ledger(tmp_path) as ledger:
            ledger.add("a", entry())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_and_fail()
    assert read_ledger(tmp_path) == {"a": entry()}


def test_add_after_the_ledger_is_closed_is_an_error(tmp_path: Path) -> None:
    with opened_ledger(tmp_path) as ledger:
        pass
    with pytest.raises(OSError, match="Bad file descriptor"):
        ledger.add("a", entry())


def test_add_from_many_threads_at_once_mixes_no_lines(tmp_path: Path) -> None:
    added = {f"island/{number:05d}.jpg": entry(number, "k" * (number % 700)) for number in range(4000)}
    with opened_ledger(tmp_path) as ledger, ThreadPoolExecutor(32) as pool:
        list(pool.map(ledger.add, added.keys(), added.values()))
    assert len(lines(tmp_path)) == len(added)
    assert read_ledger(tmp_path) == added


def test_read_ledger_with_several_lines_of_a_file_takes_the_last(tmp_path: Path) -> None:
    with opened_ledger(tmp_path) as ledger:
        for path, number in (("a", 0), ("b", 1), ("a", 2), ("b", 3), ("a", 4)):
            ledger.add(path, entry(number))
    assert read_ledger(tmp_path) == {"a": entry(4), "b": entry(3)}


def test_opened_ledger_drops_lines_that_no_longer_count(tmp_path: Path) -> None:
    write(tmp_path, {"a": entry(0), "b": entry(1)})
    write(tmp_path, {"a": entry(2)})
    with (tmp_path / LEDGER).open("ab") as file:
        file.write(b"rubbish\n\n[]\n")
    assert len(lines(tmp_path)) == 6
    with opened_ledger(tmp_path) as ledger:
        assert ledger.entries == {"a": entry(2), "b": entry(1)}
        assert len(lines(tmp_path)) == 2
        assert read_ledger(tmp_path) == ledger.entries
    assert [path.name for path in tmp_path.iterdir()] == [LEDGER]


# A run that was killed while it was writing


WHOLE = b"".join(orjson.dumps([path, *one]) + b"\n" for path, one in ENTRIES.items())
LAST = WHOLE.rstrip(b"\n").rindex(b"\n") + 1


@pytest.mark.parametrize("end", [LAST, LAST + 1, LAST + 20, len(WHOLE) - 30, len(WHOLE) - 2])
def test_opened_ledger_with_a_last_line_cut_off_goes_on_after_the_whole_ones(tmp_path: Path, end: int) -> None:
    (tmp_path / LEDGER).write_bytes(WHOLE[:end])
    write(tmp_path, {"d": entry()})
    assert read_ledger(tmp_path) == dict(list(ENTRIES.items())[:2]) | {"d": entry()}
    assert len(lines(tmp_path)) == 3


def test_opened_ledger_with_only_the_end_of_its_last_line_missing_goes_on_after_it(tmp_path: Path) -> None:
    (tmp_path / LEDGER).write_bytes(WHOLE[:-1])
    write(tmp_path, {"d": entry()})
    assert read_ledger(tmp_path) == ENTRIES | {"d": entry()}


def test_read_ledger_cut_off_at_any_byte_gives_the_lines_that_are_whole(tmp_path: Path) -> None:
    ends = [place for place, byte in enumerate(WHOLE) if byte == ord("\n")]
    assert len(ends) == len(ENTRIES)
    for end in range(len(WHOLE) + 1):
        (tmp_path / LEDGER).write_bytes(WHOLE[:end])
        whole = sum(place <= end for place in ends)  # also where only the end of the line is missing
        assert read_ledger(tmp_path) == dict(list(ENTRIES.items())[:whole])


# Lines that are none


STRANGE: list[Any] = [
    None,
    5,
    "abcde",
    {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5},
    [],
    ["a", "key", 1, "sum"],
    ["a", "key", 1, "sum", 2, 3],
    [5, "key", 1, "sum", 2],
    ["a", None, 1, "sum", 2],
    ["a", "key", "1", "sum", 2],
    ["a", "key", 1.5, "sum", 2],
    ["a", "key", 1, 7, 2],
    ["a", "key", 1, "sum", "2"],
    ["a", "key", 1, "sum", 2.0],
    ["a", "key", 1, "sum", None],
    [["a"], "key", 1, "sum", 2],
    [["a", "key", 1, "sum", 2]],
]


@pytest.mark.parametrize("line", STRANGE, ids=repr)
def test_read_ledger_with_a_line_of_wrong_types_leaves_it_out(tmp_path: Path, line: Any) -> None:
    (tmp_path / LEDGER).write_bytes(WHOLE + orjson.dumps(line) + b"\n")
    assert read_ledger(tmp_path) == ENTRIES


@pytest.mark.parametrize(
    "line", [["a", "key", True, "sum", 2], ["a", "key", 1, "sum", False], ["a", "key", -1, "sum", 2]], ids=repr
)
def test_read_ledger_with_a_size_or_a_time_that_is_none_never_vouches_for_the_others(tmp_path: Path, line: Any) -> None:
    (tmp_path / LEDGER).write_bytes(orjson.dumps(line) + b"\n" + WHOLE)
    assert {path: one for path, one in read_ledger(tmp_path).items() if path != "a"} == ENTRIES


def test_read_ledger_with_a_strange_line_between_keeps_those_around_it(tmp_path: Path) -> None:
    first, second, third = WHOLE.splitlines(keepends=True)
    strange = [b"\xff\xfe\n", b"\n", b"{\n", b"\x00" * 100 + b"\n", b"[" * 100_000 + b"\n", b"null\r\n", b" \t\n"]
    (tmp_path / LEDGER).write_bytes(b"".join([first, *strange, second, *strange, third]))
    assert read_ledger(tmp_path) == ENTRIES


def test_read_ledger_with_the_line_ends_of_windows_reads_them(tmp_path: Path) -> None:
    (tmp_path / LEDGER).write_bytes(WHOLE.replace(b"\n", b"\r\n"))
    assert read_ledger(tmp_path) == ENTRIES


@given(st.lists(st.binary(max_size=60) | st.sampled_from(STRANGE).map(orjson.dumps), max_size=8))
@example([b"[" * 5000])
def test_read_ledger_with_any_other_lines_loses_none_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, others: list[bytes]
) -> None:
    root = tmp_path_factory.getbasetemp()
    (root / LEDGER).write_bytes(b"\n".join([*others, WHOLE]))
    assert read_ledger(root) == ENTRIES


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.builds(
            Entry,
            st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
            st.integers(1, 2**63 - 1),
            st.text("0123456789abcdef", min_size=32, max_size=32),
            st.integers(-(2**63), 2**63 - 1),
        ),
        max_size=5,
    )
)
def test_read_ledger_of_any_entries_gives_them_back(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, Entry]
) -> None:
    root = tmp_path_factory.mktemp("store")
    write(root, entries)
    write(root, {})
    assert read_ledger(root) == entries
