"""Which classes are taken for which."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.pipelines.reporting.scores import scores_by_split
from animl_kedro.tables import ConfusionMatrix, Split


def count_pairs(predictions: pd.DataFrame) -> pd.DataFrame:
    """A `ConfusionMatrix` of every split that has a crop: all pairs of classes, zeros included."""
    rows = []
    for split, scores in scores_by_split(predictions):
        classes = len(scores.labels)
        counts = np.bincount(scores.truth * classes + scores.predicted, minlength=classes**2)
        pairs = ((label, predicted) for label in scores.labels for predicted in scores.labels)
        rows += [
            {"split": split.value, "label": label, "predicted": predicted, "crops": crops}
            for (label, predicted), crops in zip(pairs, counts, strict=True)
        ]
    return ConfusionMatrix.of(rows)


def square(confusion_matrix: pd.DataFrame, split: Split) -> tuple[list[str], NDArray[np.int64]]:
    """The classes of one split, sorted, and (n_classes, n_classes) crops: a row a class, a column a predicted one."""
    pairs = confusion_matrix[confusion_matrix["split"] == split.value].sort_values(["label", "predicted"])
    labels = pairs["label"].unique().tolist()
    return labels, pairs["crops"].to_numpy(dtype=np.int64).reshape(len(labels), len(labels))
