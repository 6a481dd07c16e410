"""Training in several processes, on one host or several, started by torch's own launcher inside the node.

The node runs once and in one process; the processes that it starts train together and end before it goes on.
"""

import logging
import os
import sys
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from animl_kedro.classifier.runtime import prepare_torch
from animl_kedro.errors import InputError
from animl_kedro.pipelines.modeling.devices import processes_here
from animl_kedro.pipelines.modeling.jobs import Job, Result, run_job
from animl_kedro.pipelines.modeling.meeting import meet
from animl_kedro.pipelines.modeling.training import Outcome, StopReason

logger = logging.getLogger(__name__)

RUN_ID = "animl-kedro"
"""The same for every training: hosts with different ones would wait for each other without a word."""

WAIT_S = 300
"""How long the launcher waits for hosts that have met already."""

RESULT = "result.pt"
REFUSAL = "refusal.txt"


@dataclass(frozen=True)
class Place:
    """Where the processes of this host belong: the host's number, from 0, and the folder for what they give."""

    host: int
    folder: Path


def run(job: Job, host: int = 0) -> Result:
    """Train in as many processes as the parameters want, and give what the first of them gave.

    `host` is the number of this one of several hosts; only host 0 has a result of its own, others raise nothing and
    give that of their first process. Raises InputError where a process does, or where the hosts do not find together.
    """
    processes = processes_here(job.params)
    if processes * job.params.hosts == 1:
        return run_job(job)
    _announce(job, host, processes)
    if job.params.hosts > 1:
        meet(job.params.main_address, host, job.params.hosts, job.fingerprint())
    with TemporaryDirectory() as folder:
        place = Place(host, Path(folder))
        try:
            checksums = elastic_launch(_launch_config(job, host, processes), _work)(job, place)
        except ChildFailedError as error:
            raise _refusal(place) or error from error
        if len(set(checksums.values())) > 1:
            raise RuntimeError(f"the processes ended with different weights: {checksums}")
        return _read(place.folder / RESULT)


def _launch_config(job: Job, host: int, processes: int) -> LaunchConfig:
    hosts = job.params.hosts
    several: dict[str, Any] = {
        "rdzv_backend": "static",
        "rdzv_endpoint": job.params.main_address,
        "rdzv_configs": {"rank": host, "timeout": WAIT_S},
    }
    alone: dict[str, Any] = {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0"}
    return LaunchConfig(
        min_nodes=hosts,
        max_nodes=hosts,
        nproc_per_node=processes,
        run_id=RUN_ID,
        start_method="spawn",
        max_restarts=0,
        **(several if hosts > 1 else alone),
    )


def _work(job: Job, place: Place) -> str:
    """Train in one of the processes: a checksum of the weights, by which all can be compared.

    The first of a host writes the result.
    """
    prepare_torch()
    local_rank, here = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    torch.set_num_threads(max((os.cpu_count() or 1) // here, 1))
    if int(os.environ["RANK"]) == 0:  # a process that is started anew has no log
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="[%X]")
    try:
        result = run_job(job)
    except InputError as error:
        (place.folder / REFUSAL).write_text(str(error), encoding="utf-8")
        raise
    if local_rank == 0:
        _write(result, place.folder / RESULT)
    torch.distributed.destroy_process_group()
    return checksum_of_weights(result.outcome.weights)


def checksum_of_weights(weights: dict[str, torch.Tensor]) -> str:
    """A checksum of a state dict on the CPU."""
    digest = blake2b(digest_size=16)
    for name, tensor in weights.items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _write(result: Result, path: Path) -> None:
    torch.save(
        {"outcome": vars(result.outcome) | {"stop_reason": str(result.outcome.stop_reason)}, "run": result.run}, path
    )


def _read(path: Path) -> Result:
    content = torch.load(path, weights_only=True)
    outcome = content["outcome"]
    return Result(Outcome(**outcome | {"stop_reason": StopReason(outcome["stop_reason"])}), content["run"])


def _refusal(place: Place) -> InputError | None:
    path = place.folder / REFUSAL
    return InputError(path.read_text(encoding="utf-8")) if path.is_file() else None


def _announce(job: Job, host: int, processes: int) -> None:
    hosts = job.params.hosts
    logger.info("training in %d processes on each of %d hosts", processes, hosts)
    if hosts > 1 and host == 0:
        logger.info(
            "waiting at %s for %d more hosts. On each of them: "
            "python -m animl_kedro.pipelines.modeling.worker --env=<the same> --host=<1 to %d>",
            job.params.main_address,
            hosts - 1,
            hosts - 1,
        )
