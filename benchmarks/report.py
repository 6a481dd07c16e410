"""What the metrics of a million predictions take, in time and memory.

    python benchmarks/report.py [--crops 1000000] [--classes 20] [--locations 500] [--rounds 1000]

First average precision alone, of every class with the three means, and scikit-learn's beside it; then all metrics as
the nodes make them, from the tables of predictions and crops: intervals over locations and over images, of crops and
of sequences. The first 70 % of the locations are of the training split, 15 % each of the others.
"""

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from animl_kedro.average_precision import average_precisions, mean_average_precisions
from animl_kedro.pipelines.reporting import nodes
from animl_kedro.pipelines.reporting.parameters import ReportingParams
from animl_kedro.pipelines.reporting.scores import labels_of
from animl_kedro.tables import PROBABILITY_PREFIX


def make_tables(crops: int, classes: int, locations: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`Predictions` and the columns of `Crops` that are measured by, two crops an image, three images a sequence."""
    rng = np.random.default_rng(0)
    location = np.sort(rng.integers(locations, size=crops))
    truth = rng.choice(classes, size=crops, p=np.arange(classes, 0, -1) * 2 / classes / (classes + 1))
    logits = rng.normal(size=(crops, classes)) + rng.normal(size=(locations, classes))[location]
    logits[np.arange(crops), truth] += 2.5
    odds = np.exp(logits)
    probabilities = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
    labels = [f"class {index:02d}" for index in range(classes)]
    number = np.arange(crops)
    split = np.select([location < 0.7 * locations, location < 0.85 * locations], ["train", "val"], "test")
    predictions = pd.DataFrame(
        {"crop_id": _names("crop", number), "split": split, "label": np.array(labels)[truth]}
        | {PROBABILITY_PREFIX + label: probabilities[:, index] for index, label in enumerate(labels)}
    )
    origins = pd.DataFrame(
        {
            "crop_id": predictions["crop_id"],
            "dataset": "island",
            "image_id": _names("image", number // 2),
            "location": _names("place", location),
            "sequence_id": _names("sequence", number // 6),
        }
    )
    return predictions, origins


def _names(kind: str, numbers: NDArray[np.intp]) -> "pd.Series[str]":
    return pd.Series(kind + " ", index=range(len(numbers)), dtype=str) + pd.Series(numbers).astype(str)


def timed(name: str, work: Callable[[], Any]) -> Any:
    """Do it, and print the seconds, on the clock and of the processors, and the peak memory so far."""
    started, busy = time.perf_counter(), time.process_time()
    result = work()
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{name}: {seconds:.1f} s ({busy:.1f} s of processor time), peak memory {peak:.2f} GB", flush=True)
    return result


def main() -> None:
    """Time average precision alone, then every node that measures, then their sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--locations", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=1000)
    arguments = parser.parse_args()
    predictions, crops = make_tables(arguments.crops, arguments.classes, arguments.locations)
    params = ReportingParams(bootstrap_rounds=arguments.rounds)
    timed("tables made", lambda: None)

    labels = np.array(labels_of(predictions))
    is_positive = predictions["label"].to_numpy(dtype=str)[:, None] == labels
    scores = np.ascontiguousarray(predictions[[PROBABILITY_PREFIX + label for label in labels]].to_numpy())
    by_class = timed("average precision of the classes", lambda: average_precisions(is_positive, scores))
    timed("means, micro among them", lambda: mean_average_precisions(is_positive, scores, by_class))
    theirs = timed("scikit-learn's of the classes", lambda: average_precision_score(is_positive, scores, average=None))
    print(f"largest difference from scikit-learn: {np.abs(by_class - theirs).max():.1e}")

    def all_metrics() -> None:
        average_precision, _ = timed(
            "measure_average_precision", lambda: nodes.measure_average_precision(predictions, crops, params)
        )
        sequences = timed("measure_sequences", lambda: nodes.measure_sequences(predictions, crops, params))
        timed("score_classes", lambda: nodes.score_classes(predictions))
        timed("measure_reliability", lambda: nodes.measure_reliability(predictions))
        timed(
            "summarize_metrics",
            lambda: nodes.summarize_metrics(predictions, crops, average_precision, sequences, params),
        )

    timed("all metrics", all_metrics)


if __name__ == "__main__":
    main()
