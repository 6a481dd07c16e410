"""How close splits come to what is wanted, in how much time and memory, beside CameraTraps' search.

    python benchmarks/split.py [--seeds 20] [--tries 10000] [--rounds 3] [--script create_classification_dataset.py]

Two tables of crops with long tails: 100,000 crops at 150 locations in 5 classes, divided with many seeds, and 1,000,000
crops at 5,000 locations in 200 classes. The reference is CameraTraps' search written anew on arrays: random assignments
with sizes about the fractions, of which the best is kept. With ``--script``, CameraTraps' own function is timed too.
Ours is the whole node, in a process of its own each time: from the table of crops to the checked table of splits, with
all libraries loaded before.
"""

import argparse
import ast
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FRACTIONS = {"train": 0.7, "val": 0.2, "test": 0.1}
SMALL, LARGE = (100_000, 150, 5), (1_000_000, 5_000, 200)

OURS = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[1])
from split import labeled_crops
from animl_kedro.formats.location_splits import LocationSplits
from animl_kedro.pipelines.dataset_split.nodes import assign_splits
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.tables import JoinedLocations, Splits
Splits.to_schema(), JoinedLocations.to_schema()  # which loads what else pandera knows, as a run has done before
crops, files = labeled_crops(*map(int, sys.argv[2:5]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
results = []
for seed in map(int, sys.argv[5:]):
    params = DatasetSplitParams(val_fraction=0.2, test_fraction=0.1, seed=seed)
    started, busy = time.perf_counter(), time.process_time()
    scores = assign_splits(crops, files, LocationSplits(), LocationSplits(), params)[2]
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    results.append(scores | {"seconds": seconds, "processor_seconds": busy})
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"results": results, "memory": memory, "before": before}))
"""


def counts_of(crops: int, locations: int, classes: int) -> NDArray[np.int64]:
    """(n_locations, n_classes) crops: few locations and classes have most, every class is at six at the least."""
    rng = np.random.default_rng(0)
    size = 1 / np.arange(1, locations + 1) ** 1.1
    share = 1 / np.arange(1, classes + 1) ** 1.3
    present = rng.random((locations, classes)) < np.geomspace(0.9, 0.15 if classes < 50 else 0.01, classes)
    present[:, 0] |= ~present.any(axis=1)
    for label in range(classes):
        present[rng.choice(locations, 6, replace=False), label] = True
    taste = rng.dirichlet(np.full(classes, 0.6), locations) * share * present + 1e-9 * present
    weights = size[:, None] * taste / taste.sum(axis=1, keepdims=True)
    drawn = rng.multinomial(crops - present.sum(), (weights / weights.sum()).ravel())
    return np.asarray(drawn.reshape(present.shape) + present, dtype=np.int64)


def labeled_crops(crops: int, locations: int, classes: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`LabeledCrops` and `ImageFiles` with these counts, three crops a sequence, every image another file."""
    counts = counts_of(crops, locations, classes)
    location, label = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape[1])
    order = np.random.default_rng(1).permutation(crops)
    number = pd.Series(order).astype(str)
    names = pd.Series([f"class {index:03d}" for index in range(classes)], dtype=str)
    places = pd.Series([f"place {index:04d}" for index in range(locations)], dtype=str)
    path = "animl/" + places[location].reset_index(drop=True) + "/" + number
    table = pd.DataFrame(
        {
            "crop_id": path + ".jpg___crop00.jpg",
            "dataset": "animl",
            "image_id": "animl:" + number,
            "location": places[location].to_numpy(),
            "sequence_id": places[location].reset_index(drop=True) + ":" + pd.Series(np.arange(crops) // 3).astype(str),
            "dataset_label": names[label].to_numpy(),
            "label": names[label].to_numpy(),
            "confidence": 1.0,
        }
    )
    files = pd.DataFrame({"image_id": table["image_id"], "checksum": "md5 of " + number})
    return table, files


def best_random(counts: NDArray[np.int64], tries: int, seed: int) -> float:
    """The objective of the best of random assignments, as CameraTraps draws them."""
    rng = np.random.default_rng(seed)
    shares = np.hstack([np.sqrt(2) * counts / counts.sum(axis=0), (counts > 0) / (counts > 0).sum(axis=0)])
    fractions = np.array(list(FRACTIONS.values()))
    wanted = np.outer(fractions, shares.sum(axis=0))
    best = np.inf
    for _ in range(tries):
        order = rng.permutation(len(counts))
        ends = np.cumsum(len(counts) * (fractions[:2] + rng.uniform(-0.03, 0.03, size=2))).astype(int)
        got = np.stack([shares[part].sum(axis=0) for part in np.split(order, ends)])
        best = min(best, float(((got - wanted) ** 2).sum()))
    return best


def of_script(path: Path, table: pd.DataFrame, tries: int) -> float:
    """Seconds that CameraTraps' own function takes for so many tries; only this function is taken from the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if getattr(node, "name", "") == "create_splits_random"]

    class Fewer:
        """Stands where the function has its progress bar, which is where it says how many tries there are."""

        def __new__(cls, _: range) -> Iterator[int]:  # type: ignore[misc]
            return iter(range(tries))

        write = staticmethod(lambda *_: None)

    names: dict[str, Any] = {"np": np, "pd": pd, "tqdm": Fewer}
    future = ast.parse("from __future__ import annotations").body
    exec(compile(ast.Module([*future, *functions], []), str(path), "exec"), names)
    started = time.perf_counter()
    names["create_splits_random"](table.copy(), FRACTIONS["val"], FRACTIONS["test"])
    return time.perf_counter() - started


def ours(case: tuple[int, int, int], seeds: list[int]) -> dict[str, Any]:
    """Divide in a process of its own: scores and seconds of each seed, and peak memory in MB before and after."""
    arguments = [str(Path(__file__).parent), *map(str, [*case, *seeds])]
    output = subprocess.run([sys.executable, "-c", OURS, *arguments], check=True, capture_output=True, text=True).stdout
    result: dict[str, Any] = json.loads(output)
    return result


def median(results: list[dict[str, Any]], name: str) -> float:
    """The median of one of the numbers."""
    return statistics.median(result[name] for result in results)


def main() -> None:
    """Divide the small table with every seed, the large one a few times; print medians and the worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--tries", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--script", type=Path)
    arguments = parser.parse_args()
    for case, seeds in ((SMALL, range(arguments.seeds)), (LARGE, range(arguments.rounds))):
        print("{:,} crops, {:,} locations, {:,} classes".format(*case))
        counts = counts_of(*case)
        runs = [ours(case, [seed]) for seed in seeds]
        results = [run["results"][0] for run in runs]
        tries = arguments.tries if case == SMALL else arguments.tries // 10
        luck = [best_random(counts, tries, seed) for seed in seeds]
        objectives = [result["objective"] for result in results]
        wins = sum(mine <= other for mine, other in zip(objectives, luck, strict=True))
        print(
            f"  objective {statistics.median(objectives):.4f} (worst {max(objectives):.4f}), best of {tries:,} random "
            f"tries {statistics.median(luck):.4f} (best {min(luck):.4f}); at or below it: {wins} of {len(seeds)} seeds"
        )
        print(
            f"  largest deviation {median(results, 'largest_deviation'):.3f}; {median(results, 'seconds'):.2f} s "
            f"(worst {max(result['seconds'] for result in results):.2f} s), "
            f"{median(results, 'processor_seconds'):.2f} s of processor time; peak memory "
            f"{median(runs, 'memory'):.0f} MB, of these {median(runs, 'before'):.0f} MB for the tables"
        )
        if arguments.script and case == SMALL:
            fewer = max(1, arguments.tries // 20)
            seconds = of_script(arguments.script, labeled_crops(*case)[0], fewer) * arguments.tries / fewer
            print(f"  CameraTraps' function: {seconds:.1f} s for {arguments.tries:,} tries (timed with {fewer:,})")


if __name__ == "__main__":
    main()
