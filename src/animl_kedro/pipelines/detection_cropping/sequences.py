"""Sequences of images: those of the export, and bursts where it knows none."""

import pandas as pd


def sequence_ids(images: pd.DataFrame, gap_s: float) -> "pd.Series[str]":
    """The sequence of every image, by the table's index: the export's, or else the burst that the image belongs to.

    A burst are the images of one location of a data set of which none comes more than `gap_s` seconds after the one
    before. It is named after its data set, location and first image's time, so that later images do not rename it. An
    image without a location or a time, and without a sequence of its own, has none.
    """
    place = ["dataset", "location"]
    alone = images[images["sequence_id"].isna() & images["location"].notna() & images["datetime"].notna()]
    ordered = alone.sort_values([*place, "datetime", "image_id"])
    same_place = (ordered[place] == ordered[place].shift()).all(axis="columns")
    close = ordered["datetime"].diff() <= pd.Timedelta(seconds=gap_s)
    burst = (~(same_place & close)).cumsum()
    first = ordered["datetime"].groupby(burst).transform("first").dt.strftime("%Y-%m-%dT%H:%M:%S")
    names = ordered["dataset"] + "/" + ordered["location"] + "/" + first
    return images["sequence_id"].fillna(names)
