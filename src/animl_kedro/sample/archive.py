"""Draws the sample island into a folder: the export, and the archive of its photographs."""

import contextlib
import io
import itertools
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from animl_kedro.boxes import PixelBox
from animl_kedro.errors import InputError
from animl_kedro.progress import track
from animl_kedro.sample.export import archive_key, make_export
from animl_kedro.sample.island import Island, plan_island
from animl_kedro.sample.photograph import scene_of, take_photograph
from animl_kedro.sample.visits import Photograph

logger = logging.getLogger(__name__)

VERSION = 3
"""Raise it when anything is drawn or exported differently: islands of another version are drawn anew."""

DEFAULT_SEED = 20
EXPORT, ARCHIVE, STAMP = "export.json", "archive", "island.json"
JPEG_QUALITY = 85
ABANDONED_AFTER_S = 3600
TRUNCATED_TO = 0.6
"""The share of the truncated photograph's bytes that is there."""


def draw_island(folder: Path, seed: int = DEFAULT_SEED) -> None:
    """Write the export and the archive of the island of this seed below a folder, unless they are there already.

    The folder appears whole or not at all: it is drawn beside its place and then renamed. Raises InputError where the
    folder holds anything else.
    """
    if is_drawn(folder, seed):
        return
    if folder.exists() and any(folder.iterdir()) and not (folder / STAMP).is_file():
        raise InputError(f"{folder} holds something else than a sample island: name another folder, or empty it.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    temporary = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    try:
        island = plan_island(seed)
        logger.info("Drawing the sample island: %d photographs into %s", len(island.photographs), folder)
        _draw_into(temporary, island)
        _move(temporary, folder, seed)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_drawn(folder: Path, seed: int = DEFAULT_SEED) -> bool:
    """Whether the folder holds the island of this seed, drawn by this version."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(stamp, dict) and (stamp.get("seed"), stamp.get("version")) == (seed, VERSION)


def _sweep(folder: Path) -> None:
    """Remove what drawings that were killed have left beside the folder; younger ones may still be at work."""
    for path in folder.parent.iterdir():
        if path.name.startswith(f".{folder.name}-"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > ABANDONED_AFTER_S:
                    shutil.rmtree(path)


def _move(drawn: Path, folder: Path, seed: int) -> None:
    """Put a drawn island into its place, instead of an older one but not of one that another process drew meanwhile."""
    if is_drawn(folder, seed):
        return
    retired = drawn.with_name(f"{drawn.name}-retired")
    if folder.exists():
        folder.rename(retired)
    try:
        drawn.rename(folder)
    except OSError:
        # The other process may also have been faster in this very moment.
        if not is_drawn(folder, seed):
            raise
    shutil.rmtree(retired, ignore_errors=True)


def _draw_into(folder: Path, island: Island) -> None:
    """Draw location by location, so that each scenery is drawn once; Pillow lets threads work side by side."""
    (folder / ARCHIVE / archive_key(island.seed, 0)).parent.mkdir(parents=True)
    by_location = sorted(island.photographs, key=lambda photo: photo.location.index)
    groups = [list(group) for _, group in itertools.groupby(by_location, key=lambda photo: photo.location.index)]
    boxes: dict[int, tuple[PixelBox | None, ...]] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        drawn = pool.map(lambda group: _draw_photographs(folder, island, group), groups)
        for found in track(drawn, "Drawing the sample island", total=len(groups)):
            boxes |= found
    scene_of.cache_clear()
    _write_json(folder / EXPORT, make_export(island, boxes))
    _write_json(folder / STAMP, {"seed": island.seed, "version": VERSION, "images": len(island.photographs)})


def _draw_photographs(
    folder: Path, island: Island, photographs: Iterable[Photograph]
) -> dict[int, tuple[PixelBox | None, ...]]:
    """Draw photographs into the archive; returns their boxes by index."""
    boxes = {}
    for photo in photographs:
        shot = take_photograph(photo, island.seed)
        boxes[photo.index] = shot.boxes
        buffer = io.BytesIO()
        shot.image.save(buffer, "JPEG", quality=JPEG_QUALITY)
        data = buffer.getvalue()
        if photo.index == island.flaws.truncated:
            data = data[: int(TRUNCATED_TO * len(data))]
        if photo.index != island.flaws.missing:
            (folder / ARCHIVE / archive_key(island.seed, photo.index)).write_bytes(data)
    return boxes


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
