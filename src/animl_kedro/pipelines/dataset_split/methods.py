"""The ways to divide units among splits that are not a search for the best."""

import warnings

import numpy as np
from numpy.typing import NDArray

from animl_kedro.pipelines.dataset_split.split_problem import Assignment, Floats, Integers, SplitProblem

MAX_PARTS = 20
"""Into how many parts scikit-learn divides at most: fractions are met to a fortieth or better."""

CLOSE_ENOUGH = 0.02
"""How far from its fraction a split may be before more parts are made."""


def smallest_first(problem: SplitProblem) -> Assignment:
    """Serve the rarest class first.

    Of each class, from the rarest to the most common, the units that are not given away yet go, from those with the
    fewest crops of it up, to the last split until it has its fraction of the class, then to the one before it, and the
    rest to the first. A split that still lacks the class gets one of its last units before any other does.

    Source: CameraTraps, create_splits_smallest_label_first, whose thresholds and order these are. It iterates over the
    labels where these units are meant, and so gives away nothing.
    """
    assignment = problem.fixed.copy()
    fractions = len(problem.fractions)
    got = np.stack([problem.crops[assignment == split].sum(axis=0) for split in range(fractions)])
    wanted = _wanted_crops(problem)
    for label in np.argsort(problem.crops.sum(axis=0), kind="stable"):
        free = np.flatnonzero((assignment < 0) & problem.present[:, label])
        units = free[np.argsort(problem.crops[free, label], kind="stable")]
        for place, unit in enumerate(units):
            is_occupied = np.bincount(assignment[assignment >= 0], minlength=fractions) > 0
            split = _split_to_serve(problem, got[:, label], wanted[:, label], is_occupied, len(units) - place)
            assignment[unit] = split
            got[split] += problem.crops[unit]
    return _without_empty_splits(problem, assignment)


def _split_to_serve(
    problem: SplitProblem, got: Integers, wanted: Floats, is_occupied: NDArray[np.bool_], units_left: int
) -> int:
    """The split that gets the next unit of a class; ``got`` and ``wanted`` are (n_splits,) crops of the class."""
    last_first = np.flatnonzero(~problem.closed)[::-1]
    lacking = [split for split in last_first if got[split] == 0]
    if lacking and units_left <= len(lacking):
        return int(min(lacking, key=lambda split: bool(is_occupied[split])))
    short = [split for split in last_first[:-1] if got[split] < wanted[split]]
    return int(short[0] if short else last_first[-1])


def _wanted_crops(problem: SplitProblem) -> Floats:
    """(n_splits, n_classes): the wanted crops."""
    shares = problem.shares.sum(axis=0)
    fractions = problem.wanted / np.where(shares == 0, 1, shares)
    classes = problem.crops.shape[1]
    return np.asarray(fractions[:, :classes] * problem.crops.sum(axis=0))


def stratified_group(problem: SplitProblem, seed: int) -> Assignment:
    """Divide by scikit-learn's StratifiedGroupKFold: equal parts, of which each split gets as many as come close.

    It evens out the classes' shares of crops and does not look at locations.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - scikit-learn takes half a second

    open_splits = np.flatnonzero(~problem.closed)
    crops = problem.crops[problem.free]
    parts = _parts(problem.open_fractions[open_splits], min(MAX_PARTS, len(problem.free)))
    if crops.sum(axis=0).max() < parts.sum():
        crops = crops * parts.sum()  # scikit-learn refuses classes with fewer crops than parts; the shares are the same
    unit, label = np.divmod(np.repeat(np.arange(crops.size), crops.ravel()), crops.shape[1])
    folds = StratifiedGroupKFold(int(parts.sum()), shuffle=True, random_state=seed)
    split_of_part = np.repeat(open_splits[::-1], parts[::-1])
    assignment = problem.fixed.copy()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # of classes with fewer crops than parts; the summary tells of them
        for split, (_, members) in zip(split_of_part, folds.split(unit, label, unit), strict=True):
            assignment[problem.free[np.unique(unit[members])]] = split
    return _without_empty_splits(problem, assignment)


def _parts(fractions: Floats, most: int) -> Integers:
    """How many equal parts each split gets: as few as come close to the fractions, and one each at the least."""
    best: tuple[float, Integers] | None = None
    for count in range(len(fractions), max(most, len(fractions)) + 1):
        parts = np.maximum(1, np.round(fractions * count).astype(np.int64))
        parts[np.argmax(fractions)] += count - parts.sum()
        error = float(np.abs(parts / count - fractions).max())
        if parts.min() >= 1 and (best is None or error < best[0] - 1e-12):
            best = error, parts
        if best is not None and best[0] <= CLOSE_ENOUGH:
            break
    return best[1] if best else np.ones(len(fractions), dtype=np.int64)


def _without_empty_splits(problem: SplitProblem, assignment: Assignment) -> Assignment:
    """Give every split that came out empty the smallest unit of the split that has the most."""
    for split in range(len(problem.fractions)):
        if not (assignment == split).any():
            sizes = np.bincount(assignment[problem.free], minlength=len(problem.fractions))
            units = problem.free[assignment[problem.free] == np.argmax(sizes)]
            assignment[units[np.argmin(problem.crops[units].sum(axis=1))]] = split
    return assignment
