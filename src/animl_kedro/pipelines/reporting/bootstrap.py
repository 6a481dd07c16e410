"""How sure a measure is: whole units, locations or images, are drawn anew with replacement, round by round.

A round's average precision counts each crop as often as its unit was drawn. After the rounds that are drawn come those
that leave out one unit each, which tell how much hangs on single ones. With few thresholds it is exact. A class
with more than `EXACT_THRESHOLDS` has neighbouring ones joined, none further apart than a `FINENESS`th of what is
above them, so that a round's precision changes by no more than that fraction within a step; the values differ from
the exact ones by less than a fiftieth of their standard error (tests/pipelines/reporting/test_bootstrap.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from animl_kedro.pipelines.reporting.metrics import ratio
from animl_kedro.pipelines.reporting.scores import ClassScores
from animl_kedro.threads import in_order

Floats = NDArray[np.float64]

MOST_UNITS = 500
"""More units than these are dealt at random into as many groups, which are drawn in their stead.

A standard error over random groups is that over the units, but for a chance error of 3 % with so many (K. Wolter,
Introduction to Variance Estimation, chapter 2), little more than 1,000 rounds have of themselves.
"""

EXACT_THRESHOLDS = 1024
FINENESS = 128

EXACT_IN_FLOAT32 = 2**24
"""Whole numbers up to this are exact in float32."""


@dataclass(frozen=True)
class Scale:
    """Where an interval is as wide on either side, and the way there and back."""

    to: Callable[[Floats], Floats]
    back: Callable[[Floats], Floats]


MARGIN = 0.01
"""What is added to a share and to its complement, so that a share of 1 has odds as well."""

SHARE = Scale(
    lambda share: np.log((share + MARGIN) / (1 - share + MARGIN)),
    lambda odds: ((1 + 2 * MARGIN) / (1 + np.exp(-odds)) - MARGIN).clip(0, 1),
)
"""Shares between 0 and 1, by their logarithmic odds: intervals end before 0 and 1, and are longer on the other side."""

DIFFERENCE = Scale(lambda difference: difference, lambda difference: difference.clip(-1, 1))
"""Differences of shares, as they are."""


@dataclass(frozen=True)
class Resampling:
    """Draws of units. Two classifiers' scores of the same crops are compared within the same draws.

    ``unit`` is (n_crops,) the unit of each crop, as whole numbers from 0 without gaps, numbered by something that does
    not depend on the order of the crops, such as their sorted names. ``leaving_out`` adds the rounds that leave out one
    unit each, which `interval` needs.
    """

    unit: NDArray[np.intp]
    rounds: int
    seed: int
    leaving_out: bool = True

    @cached_property
    def units(self) -> int:
        """How many units there are."""
        return int(self.unit.max(initial=-1)) + 1

    @cached_property
    def group(self) -> NDArray[np.intp]:
        """(n_crops,) what is drawn: the unit, or the group that it was dealt into."""
        if self.units <= MOST_UNITS:
            return self.unit
        dealt = np.random.default_rng([self.seed, 1]).permutation(self.units) % MOST_UNITS
        return np.asarray(dealt[self.unit], dtype=np.intp)

    @cached_property
    def multiplicities(self) -> NDArray[np.float32]:
        """(rounds + n_groups, n_groups): how often each is drawn, of n groups n a round; then all are once but one."""
        groups = min(self.units, MOST_UNITS)
        rng = np.random.default_rng([self.seed, 0])
        drawn = [np.bincount(rng.integers(groups, size=groups), minlength=groups) for _ in range(self.rounds)]
        left_out = [*(1 - np.eye(groups))] if self.leaving_out else []
        return np.array(drawn + left_out, dtype=np.float32).reshape(-1, groups)

    def totals(self, amounts: Floats) -> Floats:
        """(rounds + n_groups,) sums of (n_crops,) amounts over what is drawn."""
        by_group = np.bincount(self.group, weights=amounts, minlength=self.multiplicities.shape[1])
        return np.asarray(self.multiplicities @ by_group, dtype=np.float64)


def bootstrap_average_precision(scores: ClassScores, *resamplings: Resampling) -> list[Floats]:
    """For each resampling, (rounds + n_groups, n_classes + 3) average precision of every class, then of `MEANS`.

    NaN where a class has no positive in a round; the means of that round leave it out.
    """
    classes = len(scores.labels)

    def rounds_of_column(column: int) -> list[Floats]:
        if column == classes:
            pairs = rank(scores.is_positive.ravel(), scores.probabilities.ravel())
            return [pairs.rounds(np.repeat(some.group, classes), some.multiplicities) for some in resamplings]
        ranking = rank(scores.truth == column, scores.probabilities[:, column])
        return [ranking.rounds(some.group, some.multiplicities) for some in resamplings]

    columns = list(in_order(rounds_of_column, range(classes + 1), ahead=2))
    return [
        _with_means(scores, resampling, np.column_stack(rounds))
        for resampling, rounds in zip(resamplings, zip(*columns, strict=True), strict=True)
    ]


def _with_means(scores: ClassScores, resampling: Resampling, rounds: Floats) -> Floats:
    """Rounds of every class and of all pairs, with those of the other means in between."""
    by_class, micro = rounds[:, :-1], rounds[:, -1]
    positives = np.column_stack([resampling.totals(column) for column in scores.is_positive.T])
    values, measured = np.nan_to_num(by_class), positives > 0
    with np.errstate(invalid="ignore"):
        macro = values.sum(axis=1) / measured.sum(axis=1)
        weighted = (values * positives).sum(axis=1) / positives.sum(axis=1)
    return np.column_stack([by_class, macro, weighted, micro])


def bootstrap_accuracy(scores: ClassScores, resampling: Resampling) -> Floats:
    """(rounds + n_groups,) shares of the crops whose likeliest class is theirs; NaN in a round without a crop."""
    right = resampling.totals((scores.predicted == scores.truth).astype(np.float64))
    return ratio(right, resampling.totals(np.ones(len(scores.truth))))


def interval(
    estimate: float, values: Floats, resampling: Resampling, units: int, confidence_level: float, scale: Scale = SHARE
) -> tuple[float, float]:
    """The interval of a measure, or of a difference, by its (rounds + n_groups,) values; NaN with less than two units.

    ``units`` is how many of what is drawn bear on the measure: of a class those that have it. The interval is the
    estimate and Student's t times the standard error on either side, on a scale of its own. Percentiles of the rounds
    would be too narrow with few units, and off to the side on which the rounds are biased (docs/reporting.md). The
    standard error is that of the rounds or, often greater with few units, that of leaving out one at a time. The fewer
    units it hangs on, the fewer are the degrees of freedom: they come from the fourth moment of what leaving out each
    does, as in F. Satterthwaite, An approximate distribution of estimates of variance components, 1946. A share of 1 in
    every round has the lower end of as many units, none of which has a mistake; one of 0 likewise.
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - a fifth of a second that other pipelines need not pay

    drawn, left_out = (
        scale.to(some[~np.isnan(some)]) for some in (values[: resampling.rounds], values[resampling.rounds :])
    )
    if np.isnan(estimate) or units < 2 or min(len(drawn), len(left_out)) < 2:
        return float("nan"), float("nan")
    count = len(left_out)
    squares = (left_out - left_out.mean()) ** 2
    excess = (squares**2).sum() - squares.sum() ** 2 / count
    freedom = 2 * squares.sum() ** 2 / excess if excess > 0 else np.inf
    freedom = min(max(freedom, 1), units - 1)
    error = max(drawn.std(ddof=1), np.sqrt((count - 1) / count * squares.sum())) * np.sqrt((freedom + 1) / freedom)
    if scale is SHARE and np.nanmin(values) == 1:
        return _end_without_a_mistake(units, confidence_level), 1.0
    if scale is SHARE and np.nanmax(values) == 0:
        return 0.0, 1 - _end_without_a_mistake(units, confidence_level)
    reach = -stdtrit(freedom, (1 - confidence_level) / 2) * error
    low, high = scale.back(scale.to(np.array(estimate)) + np.array([-reach, reach]))
    return float(low), float(high)


def _end_without_a_mistake(units: int, confidence_level: float) -> float:
    """The lower end where no unit shows a mistake, of which draws can know nothing.

    It is that of the share of units without one. Source: C. Clopper and E. Pearson, The use of confidence or fiducial
    limits, 1934.
    """
    return float(((1 - confidence_level) / 2) ** (1 / units))


def percentile_interval(values: Floats, resampling: Resampling, confidence_level: float) -> tuple[float, float]:
    """The percentiles of the rounds: an interval good enough for many units that are independent."""
    drawn = values[: resampling.rounds]
    if np.isnan(drawn).all() or resampling.units < 2:
        return float("nan"), float("nan")
    low, high = np.nanquantile(drawn, [(1 - confidence_level) / 2, (1 + confidence_level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Ranking:
    """The order in which (n,) crops are taken, from the highest score, in steps.

    ``step`` is (n,) the step at which each is taken, or the number of steps where that is below all positives,
    ``thresholds`` is (n_steps,) how many thresholds each step has.
    """

    is_positive: NDArray[np.bool_]
    step: NDArray[np.int32]
    thresholds: NDArray[np.int64]

    def rounds(self, group: NDArray[np.intp], multiplicities: NDArray[np.float32]) -> Floats:
        """(rounds,) average precision, each crop counted as often as its group is drawn.

        ``multiplicities`` is (rounds, n_groups). NaN in a round without a positive.
        """
        if not len(self.thresholds):
            return np.full(len(multiplicities), np.nan)
        is_taken = self.step < len(self.thresholds)
        found, taken = (
            self._running_totals(chosen, group, multiplicities) for chosen in (self.is_positive & is_taken, is_taken)
        )
        inside = ratio(found, taken, missing=0.0)
        # between the ends of a step of several thresholds, precision is taken to change evenly
        change = np.diff(inside, axis=0) * ((self.thresholds[1:] - 1) / (2 * self.thresholds[1:]))[:, None]
        inside[1:] -= change
        area = found[0] * inside[0] + np.einsum("sr,sr->r", np.diff(found, axis=0), inside[1:])
        return ratio(area, found[-1])

    def _running_totals(
        self, chosen: NDArray[np.bool_], group: NDArray[np.intp], multiplicities: NDArray[np.float32]
    ) -> NDArray[Any]:
        """(n_steps, rounds): how many of the chosen are taken down to each step, by round, without rounding."""
        steps, groups = len(self.thresholds), multiplicities.shape[1]
        place = self.step[chosen] * groups
        place += group[chosen]
        counts = np.bincount(place, minlength=steps * groups).reshape(steps, groups).cumsum(axis=0)
        most = (multiplicities.astype(np.float64) @ counts[-1]).max(initial=0)
        exact = np.float32 if most < EXACT_IN_FLOAT32 else np.float64
        return np.asarray(counts.astype(exact) @ multiplicities.T.astype(exact))


def rank(is_positive: NDArray[np.bool_], scores: Floats) -> Ranking:
    """Order (n,) crops by their scores. Steps end at scores of positives."""
    negative = -scores
    highest_first = np.unique(negative[is_positive])
    ends, thresholds = highest_first, np.ones(len(highest_first), dtype=np.int64)
    if len(highest_first) > EXACT_THRESHOLDS:
        taken = np.searchsorted(np.sort(negative), highest_first, side="right")
        joined = np.floor(FINENESS * np.log(np.maximum(taken, FINENESS) / FINENESS)) + np.minimum(taken, FINENESS)
        _, first, thresholds = np.unique(joined, return_index=True, return_counts=True)
        ends = highest_first[first + thresholds - 1]
    return Ranking(is_positive, np.searchsorted(ends, negative).astype(np.int32), thresholds)
