"""How long a person waits for commands that answer at once: medians of several calls.

    python benchmarks/commands.py [--calls 5]

Each is called once before, so that files are in memory and compiled. On a machine that does other work, the
processor's time tells more than the clock's.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = ("run --help", "registry list", "animl status", "animl status --env=animl")
WANTED_S = 2.5


def timed(command: str) -> tuple[float, float]:
    """Seconds by the clock and by the processor of one call."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [Path(sys.executable).with_name("kedro"), *command.split()],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    passed, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a line a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5)
    calls = parser.parse_args().calls
    for command in COMMANDS:
        timed(command)
        clock, processor = zip(*(timed(command) for _ in range(calls)), strict=True)
        median = statistics.median(clock)
        verdict = "as wanted" if median < WANTED_S else f"more than the {WANTED_S} s that are wanted"
        print(f"kedro {command:26} {median:5.2f} s, processor {statistics.median(processor):5.2f} s: {verdict}")


if __name__ == "__main__":
    main()
