"""The assignment closest to what is wanted, by trying all of them, or by random tries that are improved.

What can be promised depends on the number of units that are free:

- Up to 120,000 assignments, which is 10 units and three splits, all are tried: none is better than the one found.
- Up to `PAIRED_UNITS`, the best random tries are improved until no move of a unit to another split and no swap of two
  units makes them better. From the best of them, a few units are thrown anywhere and all is improved again, which is
  kept where it is better.
- Beyond that, no move makes it better, and swaps are tried with `SAMPLED_PARTNERS` units drawn by chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from animl_kedro.pipelines.dataset_split.improving import Improvement, Products
from animl_kedro.pipelines.dataset_split.split_problem import (
    FREE,
    Assignment,
    Floats,
    Integers,
    SplitProblem,
    badness,
    objective,
    sums_by_split,
)

MAX_ENUMERATED = 120_000
"""All assignments are tried where there are no more; it takes less than a second."""

STARTS = 12
"""How many of the random tries are improved at most."""

KICKS = 60
"""How often the best of them is disturbed and improved again at most."""

KICKED_UNITS = 6
"""How many units are thrown anywhere at a time: few enough that most of what is good stays."""

UNITS_STARTED, UNITS_KICKED = 4000, 6000
"""How many units all starts together, and all kicks, may have: it bounds the time. There is always one start."""

BLOCK_CELLS = 4_000_000
"""How many numbers are held at a time while tries are scored: 32 MB."""


@dataclass(frozen=True)
class Found:
    """An assignment, and the objective of the best random try, which is None where all assignments were tried."""

    assignment: Assignment
    best_random_try: float | None


def search(problem: SplitProblem, tries: int, rng: np.random.Generator) -> Found:
    """Divide the free units so that every split has a unit at the least.

    Every class is brought into every split where its units allow it; among such assignments the objective counts.
    """
    if not len(problem.free):
        return Found(problem.fixed.copy(), None)
    choices = _every_choice(problem)
    if choices is not None:
        scored = [_scored(problem, block) for block in _blocks(choices, problem)]
        chosen = np.lexsort((_joined(scored, 1), _joined(scored, 0)))[0]
        return Found(_with_free(problem, choices[chosen]), None)
    starts, luck = _best_tries(problem, tries, rng)
    products = Products.of(problem)

    def improved(assignment: Assignment) -> tuple[tuple[int, float], Assignment]:
        better = Improvement(problem, products, assignment, rng).run()
        return badness(problem, better), better

    best = min(map(improved, starts), key=lambda entry: entry[0])
    for _ in range(min(UNITS_KICKED // len(problem.free), KICKS)):
        best = min(best, improved(_kicked(problem, best[1], rng)), key=lambda entry: entry[0])
    return Found(best[1], luck)


def _kicked(problem: SplitProblem, assignment: Assignment, rng: np.random.Generator) -> Assignment:
    """The assignment with a few units in any splits, none of which is left empty."""
    kicked = assignment.copy()
    units = rng.choice(problem.free, size=min(KICKED_UNITS, len(problem.free)), replace=False)
    kicked[units] = rng.choice(np.flatnonzero(~problem.closed), size=len(units))
    is_whole = len(np.unique(kicked)) == len(problem.fractions)
    return kicked if is_whole else assignment


def _with_free(problem: SplitProblem, choice: NDArray[np.integer]) -> Assignment:
    """The whole assignment with these splits of the free units."""
    assignment = problem.fixed.copy()
    assignment[problem.free] = choice
    return assignment


def _every_choice(problem: SplitProblem) -> NDArray[np.int8] | None:
    """(n_choices, n_free): all ways to divide the free units with no split left empty, or None if they are too many.

    Where all splits are alike, as folds are, those that differ by the names of the splits alone are one.
    """
    open_splits = np.flatnonzero(~problem.closed)
    alike = len(problem.free) == len(problem.fixed) and np.ptp(problem.fractions) == 0
    choices = np.zeros((1, 0), dtype=np.int8)
    for _ in problem.free:
        highest = choices.max(axis=1, initial=-1)
        parts = []
        for number in range(len(open_splits)):
            rows = choices[highest >= number - 1] if alike else choices
            parts.append(np.hstack([rows, np.full((len(rows), 1), number, dtype=np.int8)]))
        if sum(map(len, parts)) > MAX_ENUMERATED:
            return None
        choices = np.concatenate(parts)
    choices = open_splits.astype(np.int8)[choices]
    empty = [split for split in open_splits if not (problem.fixed == split).any()]
    return choices[np.all([(choices == split).any(axis=1) for split in empty], axis=0)] if empty else choices


def _best_tries(problem: SplitProblem, tries: int, rng: np.random.Generator) -> tuple[list[Assignment], float]:
    """The best of random assignments, each with no split left empty, and the objective of the best by it alone."""
    counts = _counts_of_free(problem)
    template = np.repeat(np.arange(len(counts), dtype=np.int8), counts)
    wanted = int(np.clip(UNITS_STARTED // len(problem.free), 1, STARTS))
    kept: list[tuple[int, float, NDArray[np.int8]]] = []
    lucky: list[tuple[float, NDArray[np.int8]]] = []
    for block in _blocks(np.broadcast_to(template, (tries, len(template))), problem):
        choices = rng.permuted(block, axis=1)
        absent, distance = _scored(problem, choices, np.float32)  # half the time, and exact enough to choose by
        best = np.lexsort((distance, absent))[:wanted]
        kept += [(int(absent[number]), float(distance[number]), choices[number]) for number in best]
        kept = sorted(kept, key=lambda entry: entry[:2])[:wanted]
        lucky.append((float(distance.min()), choices[distance.argmin()]))
    luckiest = min(lucky, key=lambda entry: entry[0])[1]
    return [_with_free(problem, choice) for *_, choice in kept], objective(problem, _with_free(problem, luckiest))


def _counts_of_free(problem: SplitProblem) -> Integers:
    """(n_splits,): how many free units each split is to have, by the fractions, and so that none is left empty."""
    splits, free = len(problem.fractions), len(problem.free)
    has = np.bincount(problem.fixed[problem.fixed != FREE], minlength=splits)
    counts = np.where(problem.closed, 0, (has == 0).astype(np.int64))
    for _ in range(free - int(counts.sum())):
        lack = problem.open_fractions * (len(problem.fixed) - has[problem.closed].sum()) - has - counts
        counts[np.argmax(np.where(problem.closed, -np.inf, lack))] += 1
    return counts


def _blocks(choices: NDArray[np.int8], problem: SplitProblem) -> Iterator[NDArray[np.int8]]:
    """The choices in parts that are small enough to be scored at once."""
    rows = max(1, BLOCK_CELLS // (len(problem.fractions) * (choices.shape[1] + problem.shares.shape[1])))
    return (choices[first : first + rows] for first in range(0, len(choices), rows))


def _scored(
    problem: SplitProblem, choices: NDArray[np.int8], dtype: type[np.floating[Any]] = np.float64
) -> tuple[Integers, Floats]:
    """(n_choices,) absent classes, as `classes_absent` counts them, and objectives, as exact as the type is."""
    splits, classes = len(problem.fractions), problem.crops.shape[1]
    one_hot = (choices[:, None, :] == np.arange(splits)[:, None]).astype(dtype)
    settled = sums_by_split(problem.shares, problem.fixed, splits)
    sums = one_hot.reshape(-1, choices.shape[1]) @ problem.shares[problem.free].astype(dtype)  # one product, not many
    got = sums.reshape(len(choices), splits, -1) + settled
    # a sum of shares is 0 only where all of them are, so that crops need not be summed once more
    absent = ((got[..., :classes] == 0) & problem.present.any(axis=0)).sum(axis=(1, 2))
    return absent, ((got - problem.wanted) ** 2).sum(axis=(1, 2))


def _joined(scored: list[tuple[Integers, Floats]], column: int) -> Floats:
    return np.concatenate([np.asarray(scores[column], dtype=float) for scores in scored])
