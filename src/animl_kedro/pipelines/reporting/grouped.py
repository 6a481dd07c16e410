"""Average precision within groups of crops, for all groups at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from animl_kedro.pipelines.reporting.scores import ClassScores

Floats = NDArray[np.float64]


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
    for label in range(len(scores.labels)):
        likely_first = np.argsort(-scores.probabilities[:, label])
        ordered = scores.probabilities[likely_first, label]
        is_positive = scores.truth[likely_first] == label
        for grouping, of_grouping in zip(groupings, values, strict=True):
            codes = grouping.codes[likely_first]
            of_grouping[:, label] = _average_precisions(is_positive, ordered, codes, len(grouping.names))
    return values


def _average_precisions(is_positive: NDArray[np.bool_], scores: Floats, codes: NDArray[np.intp], groups: int) -> Floats:
    """(n_groups,) average precision of (n,) truth and scores that fall, and the groups that they belong to."""
    sizes = np.bincount(codes, minlength=groups)
    positives = np.bincount(codes[is_positive], minlength=groups)
    order = np.argsort(_small(codes, groups), kind="stable")  # group after group, the scores still falling
    is_positive, scores, codes = is_positive[order], scores[order], codes[order]
    ends_tie = np.append((np.diff(scores) != 0) | (np.diff(codes) != 0), True)[: len(codes)]
    ends = np.flatnonzero(ends_tie)
    group = codes[ends]
    taken = ends + 1 - _before(sizes)[group]
    found = is_positive.cumsum()[ends] - _before(positives)[group]
    begins_group = np.append(True, np.diff(group) != 0)[: len(group)]
    gained = np.where(begins_group, found, np.diff(found, prepend=0))
    sums = np.bincount(group, weights=gained * (found / taken), minlength=groups)
    measurable = (positives > 0) & (positives < sizes)
    return np.where(measurable, sums / np.maximum(positives, 1), np.nan)


def group_means(values: Floats) -> Iterator[tuple[int, float]]:
    """For every group of (n_groups, n_classes) how many classes are measurable, and their mean, NaN without any."""
    measurable = ~np.isnan(values)
    counts = measurable.sum(axis=1)
    sums = np.where(measurable, values, 0).sum(axis=1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    yield from zip(counts.tolist(), means.tolist(), strict=True)


def _small(codes: NDArray[np.intp], groups: int) -> NDArray[np.integer]:
    """The codes in 16 bits where they fit: numpy sorts these several times as fast."""
    return codes.astype(np.uint16) if groups <= np.iinfo(np.uint16).max else codes


def _before(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """The sums of all counts before each."""
    return np.asarray(counts.cumsum() - counts, dtype=np.intp)
