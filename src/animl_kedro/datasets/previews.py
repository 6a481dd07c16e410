"""What kedro-viz shows of a dataset beside its graph: a few rows, a part of a JSON file, some images.

Previews are made of parts: of a table of millions of rows, or a folder of millions of images, no more is read than is
shown. kedro-viz tells what kind of preview it gets by the annotations of ``preview``.
"""

import base64
import functools
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from kedro_datasets._typing import ImagePreview, JSONPreview, TablePreview
from PIL import Image

from animl_kedro.images import UnreadableImageError

ROWS = 20
"""Rows of a table that are shown."""

MOST_CHARACTERS = 200
"""Of a text in a table or a JSON file; its end is left out."""

MOST_ITEMS = 10
"""Of a list in a JSON file."""

MOST_JSON_BYTES = 20_000_000
"""Of a JSON file that is read to be shown: larger ones are only told of."""

TILES, TILES_IN_A_ROW, TILE_PIXELS = 12, 6, 160
"""Images on a sheet, and the longer side of each."""


Method = TypeVar("Method", bound=Callable[..., Any])


def of_what_exists(preview: Method) -> Method:
    """A preview that is None where the dataset was not made yet, which otherwise is a page of warnings in kedro-viz."""

    @functools.wraps(preview)  # kedro-viz reads the annotations through it
    def of_dataset(self: Any, *arguments: Any, **options: Any) -> Any:
        return preview(self, *arguments, **options) if self.exists() else None

    return of_dataset  # type: ignore[return-value] # it is called as the method is


def table_preview(rows: pd.DataFrame) -> TablePreview:
    """The rows as JSON can hold them: missing values are empty, times and all that is no number are texts."""
    data = [[_cell(value) for value in row] for row in rows.itertuples(index=False, name=None)]
    columns = [str(name) for name in rows.columns]
    return TablePreview({"index": list(range(len(rows))), "columns": columns, "data": data})


def json_preview(value: Any) -> JSONPreview:
    """The value with long lists and texts cut short."""
    return JSONPreview(json.dumps(_shortened(value), allow_nan=False, default=str))


def too_large_preview(size: int) -> JSONPreview:
    """What stands for a file of so many bytes that is not read for a preview."""
    return json_preview({"not shown": f"the file has {size / 1e6:,.0f} MB"})


def images_preview(images: Mapping[str, Image.Image], names: Iterable[str]) -> ImagePreview:
    """A sheet of these images as base64 of a PNG; one that cannot be read is a grey tile."""
    tiles = [_tile(images, name) for name in names]
    rows = -(-len(tiles) // TILES_IN_A_ROW) or 1
    sheet = Image.new("RGB", (TILES_IN_A_ROW * TILE_PIXELS, rows * TILE_PIXELS), "white")
    for place, tile in enumerate(tiles):
        row, column = divmod(place, TILES_IN_A_ROW)
        middle = ((TILE_PIXELS - tile.width) // 2, (TILE_PIXELS - tile.height) // 2)
        sheet.paste(tile, (column * TILE_PIXELS + middle[0], row * TILE_PIXELS + middle[1]))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return ImagePreview(base64.b64encode(file.getvalue()).decode())


def _cell(value: Any) -> Any:
    if pd.isna(value):
        return ""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return _cut(str(value))


def _shortened(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _shortened(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        more = [f"… and {len(value) - MOST_ITEMS:,} more"] if len(value) > MOST_ITEMS else []
        return [_shortened(part) for part in value[:MOST_ITEMS]] + more
    if isinstance(value, str):
        return _cut(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _tile(images: Mapping[str, Image.Image], name: str) -> Image.Image:
    try:
        tile = images[name].copy()
    except (KeyError, ValueError, UnreadableImageError):
        return Image.new("RGB", (TILE_PIXELS - 8, TILE_PIXELS - 8), "lightgrey")
    tile.thumbnail((TILE_PIXELS - 8, TILE_PIXELS - 8))
    return tile
