"""A contact sheet: some crops of every label, with their ids."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from animl_kedro.plotting.sheets import TILE_INCHES, draw_tile, plain

MOST_LABELS = 40
"""Labels on the sheet: more would make a picture that no program opens."""


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
        tiles[0].set_title(plain(f"{label} ({counts[label]})"), fontsize=9, loc="left", weight="bold")
        chosen = _choose(crops[crops["label"] == label], per_label)
        for crop_id, axes in zip(chosen, tiles, strict=False):
            draw_tile(axes, crop_images, crop_id)
    if len(counts) > MOST_LABELS:
        figure.supxlabel(f"and {len(counts) - MOST_LABELS} labels with fewer crops", fontsize=9)
    return figure


def _choose(crops: pd.DataFrame, count: int) -> list[str]:
    """Ids of crops, one of every location before a second one of any."""
    mixed = crops.sort_values("crop_id").sample(frac=1, random_state=0)
    turn = mixed.groupby(mixed["location"].fillna("")).cumcount()
    return list(mixed.assign(turn=turn).sort_values("turn", kind="stable")["crop_id"].head(count))
