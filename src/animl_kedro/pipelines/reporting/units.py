"""What is drawn as a whole when it is asked how sure a measure is."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ORIGINS = ("dataset", "image_id", "location", "sequence_id")
"""The columns of `Crops` that say where and when a crop was taken."""


def location_units(origins: pd.DataFrame) -> NDArray[np.intp]:
    """(n_crops,) the location of a dataset, numbered in the order of the names, from `ORIGINS`.

    A crop without a location is drawn with its sequence, or with its image where that has none either.
    """
    location, sequence = origins["location"].isna(), origins["sequence_id"].isna()
    kind = np.where(~location, 0, np.where(~sequence, 1, 2))
    name = origins["location"].where(~location, origins["sequence_id"].where(~sequence, origins["image_id"]))
    units = pd.DataFrame({"dataset": origins["dataset"], "kind": kind, "name": name})
    return np.asarray(units.groupby(["dataset", "kind", "name"]).ngroup(), dtype=np.intp)


def image_units(origins: pd.DataFrame) -> NDArray[np.intp]:
    """(n_crops,) the image of a dataset, numbered in the order of the ids."""
    return np.asarray(origins.groupby(["dataset", "image_id"]).ngroup(), dtype=np.intp)
