"""Predictions of whole sequences: what an ecologist counts is a visit of a species, not its photographs."""

import numpy as np
import pandas as pd

from animl_kedro.pipelines.reporting.scores import crops_of
from animl_kedro.pipelines.reporting.units import ORIGINS
from animl_kedro.tables import PROBABILITY_PREFIX


def by_sequence(predictions: pd.DataFrame, crops: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The predictions of visits in the form of those of crops, and a table of what `ORIGINS` they have.

    A visit is all crops of a sequence that are of one class, with the mean of their probabilities: a sequence with two
    classes is two. Crops without a sequence are together with those of their image. What was photographed at two
    locations, by cameras that face each other, counts for the first by name. The ``image_id`` of a visit is what
    stands for the image where images are drawn: its sequence.

    Raises InputError where predictions and crops do not belong together.
    """
    origins = crops_of(predictions, crops, ORIGINS)
    alone = origins["sequence_id"].isna()
    visits = origins[["dataset", "location", "sequence_id"]].assign(
        image_id=origins["sequence_id"].where(~alone, origins["image_id"]),
        alone=alone,
        split=predictions["split"].to_numpy(),
        label=predictions["label"].to_numpy(),
    )
    visits_of_kind = visits.groupby(["split", "dataset", "alone", "image_id", "label"])
    first = visits_of_kind[["location", "sequence_id"]].min().reset_index()
    first["crop_id"] = [f"visit {number}" for number in range(len(first))]
    visit = visits_of_kind.ngroup().to_numpy()
    # added up in the order of the ids, so that not even the last digit depends on that of the rows
    order = np.lexsort((predictions["crop_id"].to_numpy(dtype=str), visit))
    starts, counts = np.unique(visit[order], return_index=True, return_counts=True)[1:]
    means = {
        str(name): np.add.reduceat(predictions[name].to_numpy(dtype=np.float64)[order], starts) / counts
        for name in predictions
        if str(name).startswith(PROBABILITY_PREFIX)
    }
    return first[["crop_id", "split", "label"]].assign(**means), first[["crop_id", *ORIGINS]]
