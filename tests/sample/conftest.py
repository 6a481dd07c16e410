"""The sample island, drawn once for all of its tests, and a few of its photographs as an island of their own."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from animl_kedro.sample import archive
from animl_kedro.sample.archive import draw_island
from animl_kedro.sample.island import Flaws, Island, plan_island
from animl_kedro.sample.visits import Photograph


def by_location(island: Island) -> list[Photograph]:
    """The photographs, those of a location together, since its scenery is kept for a while."""
    return sorted(island.photographs, key=lambda photo: (photo.location.index, photo.index))


@pytest.fixture(scope="session")
def photographs(island: Island) -> list[Photograph]:
    return by_location(island)


@pytest.fixture(scope="session")
def island() -> Island:
    return plan_island(archive.DEFAULT_SEED)


@pytest.fixture(scope="session")
def island_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "island"
    draw_island(folder)
    return folder


@pytest.fixture(scope="session")
def export(island_folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((island_folder / "export.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture
def tiny_island(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Island]:
    """Let `draw_island` draw six photographs only, of the first places; the second is missing, the third cut off."""

    def plan(seed: int) -> Island:
        whole = plan_island(seed)
        photographs = by_location(whole)[:6]
        flaws = Flaws(photographs[1].index, photographs[2].index, frozenset(), frozenset(), frozenset())
        return dataclasses.replace(whole, photographs=tuple(photographs), flaws=flaws)

    monkeypatch.setattr(archive, "plan_island", plan)
    return plan
