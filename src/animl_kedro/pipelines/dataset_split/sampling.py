"""Drawing some of many: by chance, evenly over locations, and the same whatever the order of the rows."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


def draw_evenly(units: pd.DataFrame, maximum: Mapping[str, int], seed: int) -> Bools:
    """Draw at most so many units of each class.

    `units` has a row a unit, with ``id``, ``label`` (its class), ``place`` (a number of its location) and ``level``
    (lower ones are drawn first). `maximum` is by class; of others, all are taken. Every location gives as many as the
    others, until it has no more. Returns (n_units,) which are taken.

    Chance is a checksum of the id and the seed: a unit that was drawn early stays so when more units arrive.
    """
    limits = units["label"].map(pd.Series(maximum, dtype="float64")).fillna(np.inf).to_numpy(dtype=float)
    label, level, place = map(_numbers, (units.groupby("label").ngroup(), units["level"], units["place"]))
    turn = _rank([label, level, place], _chance(units["id"], seed, "who comes first at a location"))
    is_taken = _rank([label], level, turn, _chance(units["id"], seed, "which locations give one more")) < limits
    return np.asarray(is_taken, dtype=bool)


def _numbers(column: "pd.Series[int]") -> NDArray[np.int64]:
    return np.asarray(column, dtype=np.int64)


def _chance(ids: "pd.Series[str]", seed: int, purpose: str) -> NDArray[np.uint64]:
    """A number for every id, which depends on nothing else but the seed and the purpose."""
    key = f"{seed}:{purpose}"
    digest = pd.util.hash_array(np.array([key], dtype=object))[0]
    return pd.util.hash_array(ids.to_numpy(dtype=object), hash_key=f"{int(digest):016x}", categorize=False)


def _rank(groups: Sequence[NDArray[np.int64]], *keys: NDArray[np.int64] | NDArray[np.uint64]) -> NDArray[np.int64]:
    """For each row its rank in its group, counted from 0, by the keys of which the first decides."""
    order = np.lexsort((*reversed(keys), *reversed(groups)))
    is_first = np.ones(len(order), dtype=bool)
    if len(order):
        is_first[1:] = np.any([group[order][1:] != group[order][:-1] for group in groups], axis=0)
    starts = np.flatnonzero(is_first)
    sizes = np.diff(np.append(starts, len(order)))
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    return ranks
