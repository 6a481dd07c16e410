"""Predictions as arrays, and the crops that they are of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.errors import InputError
from animl_kedro.tables import PROBABILITY_PREFIX, Split

HELD_OUT = (Split.VAL, Split.TEST)
"""The splits that the classifier has not learned from."""


@dataclass(frozen=True)
class ClassScores:
    """The predictions of one split, with the classes sorted.

    ``truth`` is (n_crops,) indices of ``labels``, ``probabilities`` is (n_crops, n_classes).
    """

    labels: Sequence[str]
    truth: NDArray[np.intp]
    probabilities: NDArray[np.float64]

    @property
    def is_positive(self) -> NDArray[np.bool_]:
        """(n_crops, n_classes): whether the crop is of the class."""
        return np.asarray(self.truth[:, None] == np.arange(len(self.labels)), dtype=np.bool_)

    @property
    def predicted(self) -> NDArray[np.intp]:
        """(n_crops,) indices of the class with the highest probability, of two alike the one that comes first."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.intp)


def labels_of(predictions: pd.DataFrame) -> list[str]:
    """The classes that there are probabilities for, sorted."""
    prefix = PROBABILITY_PREFIX
    return sorted(str(name).removeprefix(prefix) for name in predictions if str(name).startswith(prefix))


def scores_by_split(predictions: pd.DataFrame) -> Iterator[tuple[Split, ClassScores]]:
    """The arrays of every split that has a crop, in the order of `Split`, one at a time: they are large.

    Raises InputError where a crop is of a class that has no probabilities.
    """
    labels = labels_of(predictions)
    truth = pd.Index(labels, dtype=str).get_indexer(pd.Index(predictions["label"]))
    if unknown := sorted(set(predictions.loc[truth < 0, "label"])):
        raise InputError(
            f"predictions has crops of the classes {unknown}, and probabilities for {labels} only: the classifier was "
            "trained for other classes. Run the modeling pipeline again, then reporting."
        )
    columns = [PROBABILITY_PREFIX + label for label in labels]
    for split in Split:
        rows = np.flatnonzero(predictions["split"] == split.value)
        if len(rows):
            yield split, ClassScores(labels, truth[rows], _rows_of(predictions[columns], rows))


def _rows_of(table: pd.DataFrame, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """(len(rows), n_columns) numbers of a table, of which nothing else is copied."""
    numbers = np.empty((len(rows), table.shape[1]))
    for index, name in enumerate(table):
        numbers[:, index] = table[name].to_numpy()[rows]
    return numbers


def crops_of(predictions: pd.DataFrame, crops: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """These columns of `Crops` for every prediction, in the order of the predictions.

    Raises InputError where a prediction is of a crop that is not in the table of crops.
    """
    rows = pd.Index(crops["crop_id"]).get_indexer(pd.Index(predictions["crop_id"]))
    unknown = predictions.loc[rows < 0, "crop_id"]
    if len(unknown):
        raise InputError(
            f"{len(unknown)} of {len(predictions)} predictions are of crops that are not in the table crops (such as "
            f"{min(unknown)!r}): the crops were made anew since. Run the pipelines dataset_split, modeling and "
            "reporting again, in this order."
        )
    origins: pd.DataFrame = crops[list(columns)].iloc[rows].reset_index(drop=True)
    return origins


def located(predictions: pd.DataFrame, crops: pd.DataFrame) -> pd.DataFrame:
    """One row a prediction, sorted by id: crop_id, split, label and the crop's dataset, image_id and location.

    Raises InputError where a prediction is of a crop that is not in the table of crops.
    """
    origins = crops_of(predictions, crops, ["dataset", "image_id", "location"])
    rows = pd.concat([predictions[["crop_id", "split", "label"]].reset_index(drop=True), origins], axis="columns")
    return rows.sort_values("crop_id", ignore_index=True)


def count_locations(rows: pd.DataFrame, by: list[str]) -> "pd.Series[int]":
    """The number of distinct locations (of a dataset) in every group; a crop without a location counts for none."""
    places = rows.dropna(subset=["location"]).drop_duplicates([*by, "dataset", "location"])
    return places.groupby(by).size()
