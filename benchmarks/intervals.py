"""How often intervals hold the true value, for test sets drawn from a world in which it is known.

    python benchmarks/intervals.py [--datasets 1000] [--locations 30 60] [--rounds 1000] [--processes 2]

In this world a location has many crops or few (a log-normal number, 20 in the mean), some classes more than others (of
five, the commonest has 40 % and the rarest 5 %), and a background that makes each class more or less likely all over
the place: crops of one location are alike. The true value is that of hundreds of thousands of crops. For test sets of
so many locations each, the shares of intervals over locations, and over images, that hold it are printed. Those over
images, which take longest, are made of every fifth test set.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from animl_kedro.average_precision import MEANS, average_precisions, mean_average_precisions
from animl_kedro.pipelines.reporting.bootstrap import (
    Resampling,
    bootstrap_accuracy,
    bootstrap_average_precision,
    interval,
    percentile_interval,
)
from animl_kedro.pipelines.reporting.scores import ClassScores

Floats = NDArray[np.float64]

SHARES = (0.4, 0.3, 0.15, 0.1, 0.05)
CROPS_PER_LOCATION = 20
MEASURES = (*(f"class of {share:.0%}" for share in SHARES), *MEANS, "accuracy")
LEVEL = 0.95


def draw(locations: int, rng: np.random.Generator) -> tuple[ClassScores, NDArray[np.intp]]:
    """Scores of so many locations, and the (n_crops,) location of each."""
    classes = len(SHARES)
    crops = np.maximum(1, np.round(CROPS_PER_LOCATION * rng.lognormal(-0.5, 1.0, locations))).astype(np.intp)
    location = np.repeat(np.arange(locations), crops)
    taste = (rng.gamma(1.0, size=(locations, classes)) + 1e-12) * SHARES
    up_to = (taste / taste.sum(axis=1, keepdims=True)).cumsum(axis=1)[location, :-1]
    truth = (rng.random(len(location))[:, None] > up_to).sum(axis=1)
    logits = rng.normal(size=(len(location), classes)) + rng.normal(size=(locations, classes))[location]
    logits[np.arange(len(location)), truth] += 2.2
    odds = np.exp(logits)
    labels = [str(label) for label in range(classes)]
    return ClassScores(labels, truth, odds / odds.sum(axis=1, keepdims=True)), location


def measured(scores: ClassScores) -> Floats:
    """Every one of `MEASURES`."""
    by_class = average_precisions(scores.is_positive, scores.probabilities)
    means = mean_average_precisions(scores.is_positive, scores.probabilities, by_class)
    return np.array([*by_class, *(means[mean] for mean in MEANS), (scores.predicted == scores.truth).mean()])


def true_values(worlds: int = 12) -> Floats:
    """What would be measured with endless locations: the mean of so many sets of 2,000."""
    return np.mean([measured(draw(2000, np.random.default_rng([1, world]))[0]) for world in range(worlds)], axis=0)


def holds(seed: int, locations: int, rounds: int, true: Floats) -> Floats:
    """(2, n_measures): whether the intervals over locations, and over images, of one test set hold the true values.

    NaN for those over images where they are not made, and for a class that the test set has at fewer than three
    locations, which is marked as not to be relied on.
    """
    scores, location = draw(locations, np.random.default_rng([2, seed]))
    estimates = measured(scores)
    units = [len(np.unique(location[chosen])) for chosen in scores.is_positive.T]
    units += [locations] * (len(MEASURES) - len(SHARES))
    of_locations = Resampling(location, rounds, seed)
    columns = zip(estimates, _rounds(scores, of_locations).T, units, strict=True)
    ends = [interval(estimate, values, of_locations, count, LEVEL) for estimate, values, count in columns]
    image_ends = [(np.nan, np.nan)] * len(MEASURES)
    if seed % 5 == 0:
        of_images = Resampling(np.arange(len(location)), rounds, seed, leaving_out=False)
        image_ends = [percentile_interval(values, of_images, LEVEL) for values in _rounds(scores, of_images).T]
    low, high = np.moveaxis(np.array([ends, image_ends]), -1, 0)
    return np.where(np.isnan(low) | (np.array(units) < 3), np.nan, (low <= true) & (true <= high))


def _rounds(scores: ClassScores, resampling: Resampling) -> Floats:
    """A column for every one of `MEASURES`."""
    return np.column_stack([*bootstrap_average_precision(scores, resampling), bootstrap_accuracy(scores, resampling)])


def main() -> None:
    """Draw test sets and print how many per cent of the intervals hold the true value."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=1000)
    parser.add_argument("--locations", type=int, nargs="+", default=[30, 60])
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    true = true_values()
    print("true values: " + ", ".join(f"{name} {value:.3f}" for name, value in zip(MEASURES, true, strict=True)))
    for locations in arguments.locations:
        of_one = partial(holds, locations=locations, rounds=arguments.rounds, true=true)
        with ProcessPoolExecutor(arguments.processes) as pool:
            found = np.nanmean(list(pool.map(of_one, range(arguments.datasets), chunksize=10)), axis=0)
        for kind, shares in zip(("locations", "images"), found, strict=True):
            told = ", ".join(f"{name} {share:.1%}" for name, share in zip(MEASURES, shares, strict=True))
            print(f"{locations} locations, intervals over {kind}: {told}", flush=True)


if __name__ == "__main__":
    main()
