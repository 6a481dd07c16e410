"""A contact sheet: some crops of every label, with their ids."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from animl_kedro.images import UnreadableImageError

TILE_INCHES = 1.6

MOST_LABELS = 40
"""Labels on the sheet: more would make a picture that no program opens."""

ID_CHARACTERS = 38
"""How much of an id fits on a line below a crop."""


def draw_samples(crops: pd.DataFrame, crop_images: Mapping[str, Image.Image], per_label: int) -> Figure:
    """A row of crops for each of the commonest labels: at most `per_label`, of as many locations as there are.

    The crops are always the same ones.
    """
    counts = crops["label"].value_counts()
    labels = sorted(counts.index[:MOST_LABELS])
    rows, columns = max(len(labels), 1), min(per_label, counts.max()) if labels else 1
    figure = Figure(figsize=(columns * TILE_INCHES, rows * (TILE_INCHES + 0.5)), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for label, tiles in zip(labels, grid, strict=False):  # no label leaves the one row empty
        tiles[0].set_title(_plain(f"{label} ({counts[label]})"), fontsize=9, loc="left", weight="bold")
        chosen = _choose(crops[crops["label"] == label], per_label)
        for crop_id, axes in zip(chosen, tiles, strict=False):
            _draw_tile(axes, crop_id, crop_images)
    if len(counts) > MOST_LABELS:
        figure.supxlabel(f"and {len(counts) - MOST_LABELS} labels with fewer crops", fontsize=9)
    return figure


def _choose(crops: pd.DataFrame, count: int) -> list[str]:
    """Ids of crops, one of every location before a second one of any."""
    mixed = crops.sort_values("crop_id").sample(frac=1, random_state=0)
    turn = mixed.groupby(mixed["location"].fillna("")).cumcount()
    return list(mixed.assign(turn=turn).sort_values("turn", kind="stable")["crop_id"].head(count))


def _draw_tile(axes: Axes, crop_id: str, crop_images: Mapping[str, Image.Image]) -> None:
    try:
        axes.imshow(crop_images[crop_id])
    except (KeyError, UnreadableImageError) as error:
        text = "no file" if isinstance(error, KeyError) else "damaged"
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=7)
    lines = [crop_id[start : start + ID_CHARACTERS] for start in range(0, len(crop_id), ID_CHARACTERS)]
    axes.text(0.5, -0.03, _plain("\n".join(lines)), transform=axes.transAxes, ha="center", va="top", fontsize=4.5)


def _plain(text: str) -> str:
    """The text as it is: matplotlib takes what is between dollar signs for mathematics."""
    return text.replace("$", r"\$")
