"""Contact sheets."""

from collections.abc import Mapping
from itertools import islice

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL.Image import Image

from animl_kedro.images import UnreadableImageError

TILE_INCHES = 1.6

TILE_PIXELS = 400

ID_CHARACTERS = 38
"""How much of an id fits on a line below a crop."""


def contact_sheet(
    images: Mapping[str, Image],
    titles: "Mapping[str, str] | pd.Series[str] | None" = None,
    *,
    columns: int = 6,
    most: int = 48,
) -> Figure:
    """The first images of a mapping, `most` at the most, with their ids below and their titles above.

    Only these are opened; one that has no file, or is damaged, is told of in its place.
    """
    shown = list(islice(images, most))
    columns = max(min(columns, len(shown)), 1)
    rows = -(-len(shown) // columns) or 1
    height = TILE_INCHES + (0.3 if titles is None else 0.55)
    figure = Figure(figsize=(columns * TILE_INCHES, rows * height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for image_id, axes in zip(shown, grid.flat, strict=False):
        draw_tile(axes, images, image_id)
        if titles is not None:
            axes.set_title(plain(str(titles.get(image_id, ""))), fontsize=7)
    if len(images) > len(shown):
        figure.supxlabel(f"and {len(images) - len(shown):,} more", fontsize=9)
    return figure


def draw_tile(axes: Axes, images: Mapping[str, Image], image_id: str) -> None:
    """Draw an image with its id below; where it cannot be had, say so."""
    try:
        tile = images[image_id].copy()
        tile.thumbnail((TILE_PIXELS, TILE_PIXELS))  # photographs have a hundred times the pixels of a tile
        axes.imshow(tile)
    except (KeyError, ValueError, UnreadableImageError) as error:  # a ValueError is of an id that leads elsewhere
        text = "damaged" if isinstance(error, UnreadableImageError) else "no file"
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=7)
    lines = [image_id[start : start + ID_CHARACTERS] for start in range(0, len(image_id), ID_CHARACTERS)]
    axes.text(0.5, -0.03, plain("\n".join(lines)), transform=axes.transAxes, ha="center", va="top", fontsize=4.5)


def plain(text: str) -> str:
    """The text as it is: matplotlib takes what is between dollar signs for mathematics."""
    return text.replace("$", r"\$")
