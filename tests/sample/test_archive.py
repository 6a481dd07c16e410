"""The folder of the island: whole or absent, and drawn once."""

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from animl_kedro.errors import InputError
from animl_kedro.images import UnreadableImageError, open_image
from animl_kedro.sample import archive
from animl_kedro.sample.archive import draw_island, is_drawn
from animl_kedro.sample.export import archive_key
from animl_kedro.sample.island import Island
from animl_kedro.sample.photograph import Shot, take_photograph
from animl_kedro.sample.visits import Photograph

TinyIsland = Callable[[int], Island]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_island_drawn_twice_is_byte_identical(tmp_path: Path, tiny_island: TinyIsland) -> None:
    draw_island(tmp_path / "one")
    draw_island(tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) == 5 + 2


def test_island_of_another_seed_is_another(tmp_path: Path, tiny_island: TinyIsland) -> None:
    draw_island(tmp_path / "one", seed=3)
    draw_island(tmp_path / "two", seed=4)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert set(one) & set(two) == {"export.json", "island.json"}
    assert one["export.json"] != two["export.json"]


def test_photographs_of_a_part_are_those_of_the_whole(
    tmp_path: Path, tiny_island: TinyIsland, island_folder: Path, island: Island
) -> None:
    draw_island(tmp_path / "part")
    part, whole = contents(tmp_path / "part"), contents(island_folder)
    # Each has a photograph of its own that is cut off.
    flawed = {archive_key(island.seed, flaws.truncated) for flaws in (island.flaws, tiny_island(island.seed).flaws)}
    shared = {name for name in part.keys() & whole.keys() if name.endswith(".jpg")} - {
        f"archive/{key}" for key in flawed
    }
    assert len(shared) >= 3
    assert all(part[name] == whole[name] for name in shared)


def test_island_weighs_at_most_40_megabytes(island_folder: Path) -> None:
    assert sum(map(len, contents(island_folder).values())) < 40_000_000


def test_photographs_open_in_the_size_of_their_location(island_folder: Path, island: Island) -> None:
    for photo in island.photographs[:20]:
        if photo.index not in (island.flaws.missing, island.flaws.truncated):
            path = island_folder / "archive" / archive_key(island.seed, photo.index)
            assert open_image(path).size == photo.location.size


def test_truncated_photograph_is_a_jpeg_and_fails_to_open(island_folder: Path, island: Island) -> None:
    path = island_folder / "archive" / archive_key(island.seed, island.flaws.truncated)
    with Image.open(path) as image:
        assert image.format == "JPEG"
    with pytest.raises(UnreadableImageError, match="truncated"):
        open_image(path)


def test_island_that_is_there_is_not_drawn_again(
    tmp_path: Path, tiny_island: TinyIsland, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_island(tmp_path / "island")
    monkeypatch.setattr(archive, "take_photograph", pytest.fail)
    draw_island(tmp_path / "island")


def test_island_of_another_version_or_seed_is_drawn_again(
    tmp_path: Path, tiny_island: TinyIsland, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "island"
    draw_island(folder)
    (folder / "archive" / "left.jpg").write_bytes(b"of the old version")
    monkeypatch.setattr(archive, "VERSION", archive.VERSION + 1)
    assert not is_drawn(folder)
    draw_island(folder)
    assert is_drawn(folder)
    assert not (folder / "archive" / "left.jpg").exists()
    draw_island(folder, seed=5)
    assert is_drawn(folder, seed=5)
    assert [path.name for path in tmp_path.iterdir()] == ["island"]


@pytest.mark.parametrize("stamp", ["", "[]", '{"seed": 20', '{"seed": 20}'])
def test_island_with_a_damaged_stamp_is_drawn_again(tmp_path: Path, tiny_island: TinyIsland, stamp: str) -> None:
    folder = tmp_path / "island"
    folder.mkdir()
    (folder / "island.json").write_text(stamp)
    draw_island(folder)
    assert json.loads((folder / "island.json").read_text())["images"] == 6


def test_drawing_that_is_interrupted_leaves_nothing_and_is_done_again(
    tmp_path: Path, tiny_island: TinyIsland, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = itertools.count(1)

    def fail_at_the_fourth(photo: Photograph, seed: int) -> Shot:
        if next(count) == 4:
            raise KeyboardInterrupt
        return take_photograph(photo, seed)

    folder = tmp_path / "island"
    monkeypatch.setattr(archive, "take_photograph", fail_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        draw_island(folder)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(archive, "take_photograph", take_photograph)
    draw_island(folder)
    assert is_drawn(folder)


def test_drawing_that_was_killed_is_swept_away_after_an_hour(tmp_path: Path, tiny_island: TinyIsland) -> None:
    old, young = tmp_path / ".island-01234567", tmp_path / ".island-89abcdef"
    for path in (old, young):
        path.mkdir()
    os.utime(old, (0, 0))
    draw_island(tmp_path / "island")
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, "island"]


def test_island_drawn_by_another_process_meanwhile_is_kept(
    tmp_path: Path, tiny_island: TinyIsland, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, drawing = tmp_path / "island", archive._draw_into

    def draw_while_another_does(temporary: Path, island: Island) -> None:
        monkeypatch.setattr(archive, "_draw_into", drawing)
        draw_island(folder)
        (folder / "theirs").touch()
        drawing(temporary, island)

    monkeypatch.setattr(archive, "_draw_into", draw_while_another_does)
    draw_island(folder)
    assert is_drawn(folder)
    assert (folder / "theirs").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["island"]


def test_folder_with_anything_else_is_left_alone(tmp_path: Path, tiny_island: TinyIsland) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="something else"):
        draw_island(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
