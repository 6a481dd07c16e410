"""Average precision within groups of crops, for all groups at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from animl_kedro.pipelines.reporting.scores import ClassScores

Floats = NDArray[np.float64]
Codes = NDArray[np.unsignedinteger] | NDArray[np.intp]


@dataclass(frozen=True)
class Grouping:
    """One way to divide crops: ``codes`` is (n_crops,) indices of ``names``."""

    kind: str
    names: Sequence[str]
    codes: NDArray[np.intp]


def average_precisions_by_group(scores: ClassScores, groupings: Sequence[Grouping]) -> list[Floats]:
    """For every grouping (n_groups, n_classes) average precision.

    It is NaN where a group has no crop of the class, and where it has no other: whatever is said of such crops, their
    average precision would be 1.
    """
    values = [np.full((len(grouping.names), len(scores.labels)), np.nan) for grouping in groupings]
    small = [_small(grouping.codes, len(grouping.names)) for grouping in groupings]
    for label in range(len(scores.labels)):
        likely_first = np.argsort(-scores.probabilities[:, label])
        ordered = scores.probabilities[likely_first, label]
        threshold = np.cumsum(np.diff(ordered, prepend=np.inf) != 0, dtype=np.int32)
        is_positive = scores.truth[likely_first] == label
        for codes, of_grouping in zip(small, values, strict=True):
            of_grouping[:, label] = _average_precisions(is_positive, threshold, codes[likely_first], len(of_grouping))
    return values


def _average_precisions(
    is_positive: NDArray[np.bool_], threshold: NDArray[np.int32], codes: Codes, groups: int
) -> Floats:
    """(n_groups,) average precision of (n,) truth, numbers of thresholds that fall, and groups that crops belong to.

    It is the mean over a group's positives of the precision at the threshold of each.
    """
    sizes = np.bincount(codes, minlength=groups)
    positives = np.bincount(codes[is_positive], minlength=groups)
    order = np.argsort(codes, kind="stable")  # group after group, the thresholds still falling
    places = np.flatnonzero(is_positive[order])
    group = np.repeat(np.arange(groups), positives)
    ends_tie = np.append(np.diff(threshold[order]) != 0, True)[: len(order)]
    ends_tie[(sizes.cumsum() - 1)[sizes > 0]] = True
    ends = np.flatnonzero(ends_tie)
    last = ends[np.searchsorted(ends, places)]
    taken = last + 1 - _before(sizes)[group]
    found = np.searchsorted(places, last, side="right") - _before(positives)[group]
    sums = np.bincount(group, weights=found / taken, minlength=groups)
    measurable = (positives > 0) & (positives < sizes)
    return np.where(measurable, sums / np.maximum(positives, 1), np.nan)


def group_means(values: Floats) -> Iterator[tuple[int, float]]:
    """For every group of (n_groups, n_classes) how many classes are measurable, and their mean, NaN without any."""
    measurable = ~np.isnan(values)
    counts = measurable.sum(axis=1)
    sums = np.where(measurable, values, 0).sum(axis=1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    yield from zip(counts.tolist(), means.tolist(), strict=True)


def _small(codes: NDArray[np.intp], groups: int) -> Codes:
    """The codes in 16 bits where they fit: numpy sorts these several times as fast."""
    return codes.astype(np.uint16) if groups <= np.iinfo(np.uint16).max else codes


def _before(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """The sums of all counts before each."""
    return np.asarray(counts.cumsum() - counts, dtype=np.intp)
