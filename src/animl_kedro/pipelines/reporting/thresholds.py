"""Which threshold to use: for every class the one that reaches a precision or a recall, and what it gives.

A crop is taken for a class where the class's probability is at or above its threshold, whatever the other classes'
are, as Animl does it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.average_precision import PrecisionRecall, precision_recall
from animl_kedro.errors import InputError
from animl_kedro.pipelines.reporting.parameters import ThresholdParams, ThresholdTarget
from animl_kedro.pipelines.reporting.scores import ClassScores, crops_of, labels_of, scores_by_split
from animl_kedro.tables import RecommendedThresholds, Split, ThresholdOutcome

ALL_CLASSES = "micro"
"""The label of the one threshold for all classes, with the pairs of a crop and a class pooled."""

LOWEST_FOR_ANIML = 1e-6
"""Animl takes a threshold of 0 for one that is not set, and its default in its stead."""


@dataclass(frozen=True)
class Pairs:
    """What is to be found and how likely it is: (n,) truth and scores of a class, or of all, and n_images."""

    is_positive: NDArray[np.bool_]
    scores: NDArray[np.float64]
    images: int


def recommend(predictions: pd.DataFrame, crops: pd.DataFrame, params: ThresholdParams) -> pd.DataFrame:
    """`RecommendedThresholds`: a row a class, and one for all classes together.

    Raises InputError where a target is of a class that there is not, and where predictions are not of these crops.
    """
    labels = labels_of(predictions)
    _check_labels(labels, params)
    by_split = dict(scores_by_split(predictions))
    images = _count_images(predictions, crops)
    rows = []
    for number, label in enumerate([*labels, ALL_CLASSES] if labels else []):
        pairs = {split: _pairs(scores, number, images[split.value]) for split, scores in by_split.items()}
        of_class = number < len(labels)
        target = params.classes.get(label, params.default) if of_class else params.default
        row = {"kind": "class" if of_class else "mean", "label": label, "split": params.split.value}
        rows.append(row | _recommended(target, pairs.get(params.split), pairs.get(Split.TEST)))
    return RecommendedThresholds.of(rows)


def choose(curve: PrecisionRecall, target: ThresholdTarget) -> tuple[int, bool]:
    """Which threshold of a curve with points to take, and whether it reaches the target.

    Of those that reach it, the one with the highest recall for a target of precision, and with the highest precision
    for one of recall; where none does, those count that come closest.
    """
    measures = {"precision": curve.precision, "recall": curve.recall}
    wanted = measures.pop(target.measure)
    (other,) = measures.values()
    reaches = wanted >= target.value
    reached = bool(reaches.any())
    candidates = np.flatnonzero(reaches if reached else wanted == wanted.max())
    return int(candidates[np.lexsort((wanted[candidates], other[candidates]))[-1]]), reached


def animl_thresholds(recommended: pd.DataFrame) -> dict[str, Any]:
    """`RecommendedThresholds` as Animl's API keeps them.

    ``defaultConfThreshold`` is a field of a model, missing where nothing could be measured, and ``categoryConfig`` one
    of the action of an automation rule that runs the model; it has the categories whose threshold is known. Source:
    https://github.com/tnc-ca-geo/animl-api, src/api/db/schemas/MLModel.ts and Project.ts, src/automation/utils.js.
    """
    known = recommended[recommended["threshold"].notna()]
    rows = zip(known["kind"], known["label"], known["threshold"].clip(lower=LOWEST_FOR_ANIML).tolist(), strict=True)
    thresholds = {(kind, label): threshold for kind, label, threshold in rows}
    return {
        "defaultConfThreshold": thresholds.pop(("mean", ALL_CLASSES), None),
        "categoryConfig": {
            label: {"confThreshold": threshold, "disabled": False} for (_, label), threshold in thresholds.items()
        },
    }


def refused_by_animl(labels: Iterable[str]) -> list[str]:
    """The classes that cannot be categories of an automation rule: Mongoose's maps have no such keys.

    Source: https://github.com/Automattic/mongoose, lib/types/map.js (checkValidKey).
    """
    return [label for label in labels if "." in label or label.startswith("$")]


def _recommended(target: ThresholdTarget, chosen_on: Pairs | None, test: Pairs | None) -> dict[str, Any]:
    """The columns of a class's row that are measured."""
    row: dict[str, Any] = {"target": target.measure, "wanted": target.value}
    if chosen_on is None or not chosen_on.is_positive.any():
        return row | {"outcome": ThresholdOutcome.NOT_MEASURABLE} | _measured(chosen_on, None) | _tested(test, None)
    curve = precision_recall(chosen_on.is_positive, chosen_on.scores)
    place, reached = choose(curve, target)
    threshold = float(curve.thresholds[place])
    outcome = ThresholdOutcome.REACHED if reached else ThresholdOutcome.BEST_POSSIBLE
    measured = _measured(chosen_on, threshold) | _tested(test, threshold)
    return row | {"outcome": outcome, "threshold": threshold} | measured


def _tested(pairs: Pairs | None, threshold: float | None) -> dict[str, float | int | None]:
    return {f"test_{name}": value for name, value in _measured(pairs, threshold).items()}


def _measured(pairs: Pairs | None, threshold: float | None) -> dict[str, float | int | None]:
    """What a threshold gives, missing where there is nothing to measure it on."""
    positives = 0 if pairs is None else int(pairs.is_positive.sum())
    if pairs is None or threshold is None:
        return {"positives": positives}
    taken = pairs.scores >= threshold
    found, alarms = int((taken & pairs.is_positive).sum()), int((taken & ~pairs.is_positive).sum())
    return {
        "positives": positives,
        "precision": found / (found + alarms) if found + alarms else None,
        "recall": found / positives if positives else None,
        "false_alarms_per_1000_images": 1000 * alarms / pairs.images,
    }


def _pairs(scores: ClassScores, number: int, images: int) -> Pairs:
    """The pairs of one class, or of all where there is no class of this number."""
    if number == len(scores.labels):
        return Pairs(scores.is_positive.ravel(), scores.probabilities.ravel(), images)
    return Pairs(scores.truth == number, scores.probabilities[:, number], images)


def _count_images(predictions: pd.DataFrame, crops: pd.DataFrame) -> Mapping[str, int]:
    """How many images of every split have crops."""
    images = crops_of(predictions, crops, ["dataset", "image_id"]).assign(split=predictions["split"].to_numpy())
    counts = images.drop_duplicates()["split"].value_counts()
    return {str(split): int(count) for split, count in counts.items()}


def _check_labels(labels: list[str], params: ThresholdParams) -> None:
    for label in params.classes:
        if label not in labels:
            close = get_close_matches(label, labels, n=1)
            meant = f"did you mean {close[0]!r}?" if close else "choose one of these."
            raise InputError(
                f"reporting.thresholds.classes has a target for {label!r}, which is no class of these predictions "
                f"({', '.join(labels) or 'there is none'}): {meant}"
            )
