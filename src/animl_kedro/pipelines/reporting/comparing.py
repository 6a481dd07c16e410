"""A classifier against an earlier one, on the test crops that both have predicted.

The difference in average precision has a paired interval: locations are drawn anew, and both classifiers are measured
on the same draw, so that what is hard for both does not blur the difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.average_precision import average_precisions
from animl_kedro.pipelines.reporting.bootstrap import DIFFERENCE, Resampling, interval, rank
from animl_kedro.pipelines.reporting.parameters import ReportingParams
from animl_kedro.pipelines.reporting.scores import ClassScores, crops_of, labels_of
from animl_kedro.pipelines.reporting.units import ORIGINS, location_units
from animl_kedro.tables import PROBABILITY_PREFIX, Comparison, Split
from animl_kedro.threads import in_order

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LeftOut:
    """Crops that are not compared: which are in one of the two only, and which cannot be held against each other.

    ``known_to_earlier`` are test crops that the earlier classifier was trained or tuned on: it would seem better than
    it is. ``relabelled`` are those whose label was another one then.
    """

    not_in_earlier: int
    only_in_earlier: int
    known_to_earlier: int
    relabelled: int


@dataclass(frozen=True)
class Pair:
    """Two classifiers' scores of the same crops, for the classes that both know, and what is left out.

    A crop of another class counts as one of none of them, with -1 for its class. ``split_is_known`` is whether the
    earlier predictions tell which crops were not learned from.
    """

    crop_ids: Sequence[str]
    scores: ClassScores
    earlier: ClassScores
    only_here: Sequence[str]
    only_earlier: Sequence[str]
    left_out: LeftOut
    split_is_known: bool


def pair_up(predictions: pd.DataFrame, earlier: pd.DataFrame) -> Pair:
    """Put together what both classifiers say of the test crops; ``earlier`` is that of `EarlierPredictions`."""
    test = predictions[predictions["split"] == Split.TEST.value]
    place = pd.Index(earlier["crop_id"]).get_indexer(pd.Index(test["crop_id"]))
    in_both, theirs = test[place >= 0], earlier.iloc[place[place >= 0]]
    known = theirs["split"].isin([Split.TRAIN.value, Split.VAL.value]).to_numpy()
    relabelled = theirs["label"].notna().to_numpy() & (theirs["label"].to_numpy() != in_both["label"].to_numpy())
    kept = ~known & ~relabelled
    only_in_earlier = ~earlier["split"].isin([Split.TRAIN.value, Split.VAL.value]).to_numpy()
    only_in_earlier[place[place >= 0]] = False
    here, before = labels_of(predictions), labels_of(earlier)
    labels = sorted(set(here) & set(before))
    truth = pd.Index(labels, dtype="str").get_indexer(pd.Index(in_both.loc[kept, "label"]))
    columns = [PROBABILITY_PREFIX + label for label in labels]
    scores, of_earlier = (
        ClassScores(labels, truth, rows.loc[kept, columns].to_numpy(dtype=np.float64)) for rows in (in_both, theirs)
    )
    return Pair(
        crop_ids=in_both.loc[kept, "crop_id"].tolist(),
        scores=scores,
        earlier=of_earlier,
        only_here=sorted(set(here) - set(before)),
        only_earlier=sorted(set(before) - set(here)),
        left_out=LeftOut(
            not_in_earlier=len(test) - len(in_both),
            only_in_earlier=int(only_in_earlier.sum()),
            known_to_earlier=int(known.sum()),
            relabelled=int((relabelled & ~known).sum()),
        ),
        split_is_known=bool(earlier["split"].notna().all()),
    )


def compare(pair: Pair, crops: pd.DataFrame, params: ReportingParams) -> pd.DataFrame:
    """A `Comparison`; without a crop, or a class, that both know it is empty."""
    if not pair.crop_ids or not pair.scores.labels:
        return Comparison.of([])
    origins = crops_of(pd.DataFrame({"crop_id": pair.crop_ids}), crops, ORIGINS)
    resampling = Resampling(location_units(origins), rounds=params.bootstrap_rounds, seed=params.seed)
    is_positive = pair.scores.is_positive
    measured, measured_earlier = (_with_macro(average_precisions(is_positive, s.probabilities)) for s in _both(pair))
    rounds, rounds_earlier = (_rounds(is_positive, s.probabilities, resampling) for s in _both(pair))
    units = [len(np.unique(resampling.unit[chosen])) for chosen in is_positive.T] + [resampling.units]
    columns = zip(measured - measured_earlier, (rounds - rounds_earlier).T, units, strict=True)
    ends = [
        interval(difference, values, resampling, count, params.confidence_level, DIFFERENCE)
        for difference, values, count in columns
    ]
    located = origins["location"].notna().to_numpy()
    chosen = [*is_positive.T, np.ones(len(located), dtype=bool)]
    table = pd.DataFrame(
        {
            "kind": ["class"] * len(pair.scores.labels) + ["mean"],
            "label": [*pair.scores.labels, "macro"],
            "positives": [int(rows.sum()) for rows in chosen],
            "locations": [len(np.unique(resampling.unit[located & rows])) for rows in chosen],
            "average_precision": measured,
            "earlier_average_precision": measured_earlier,
            "difference": measured - measured_earlier,
            "low": [low for low, _ in ends],
            "high": [high for _, high in ends],
        }
    )
    return Comparison.validate(table)


def _both(pair: Pair) -> tuple[ClassScores, ClassScores]:
    return pair.scores, pair.earlier


def _rounds(is_positive: NDArray[np.bool_], scores: Floats, resampling: Resampling) -> Floats:
    """(rounds + n_groups, n_classes + 1) average precision of every class, then the macro one."""

    def rounds_of_class(index: int) -> Floats:
        ranking = rank(is_positive[:, index], scores[:, index])
        return ranking.rounds(resampling.group, resampling.multiplicities)

    return _with_macro(np.column_stack(list(in_order(rounds_of_class, range(is_positive.shape[1]), ahead=2))))


def _with_macro(by_class: Floats) -> Floats:
    """(…, n_classes) with the mean of those that are measured appended; NaN without any."""
    measured = ~np.isnan(by_class)
    counts = measured.sum(axis=-1, keepdims=True)
    sums = np.where(measured, by_class, 0).sum(axis=-1, keepdims=True)
    macro = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return np.concatenate([by_class, macro], axis=-1)
