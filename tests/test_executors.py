"""Work by several processes or a Dask cluster gives the same results, whatever becomes of a worker."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import LocalCluster

from animl_kedro import executors
from animl_kedro.errors import InputError
from animl_kedro.executors import in_shards, process_pool

TASKS = range(200)
ROLES = ("scheduler", "worker")

FAR_BEYOND_S = 300
"""Only keeps a script that never ends from holding up the tests for good."""


def squared(task: int) -> tuple[int, int]:
    return task, task * task


def noted(task: int, folder: Path) -> tuple[int, int]:
    """Leave a trace of each time the task is done, and of the process that did it."""
    with (folder / str(task)).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return squared(task)


def killed_once(task: int, marker: Path, victim: int) -> tuple[int, int]:
    """Kill the worker of one task the first time that it is done."""
    if task == victim:
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:
            return squared(task)
        os.kill(os.getpid(), signal.SIGKILL)
    return squared(task)


def killed_always(task: int, victims: tuple[int, ...]) -> tuple[int, int]:
    if task in victims:
        os.kill(os.getpid(), signal.SIGKILL)
    return squared(task)


def refused(task: int, at: int) -> tuple[int, int]:
    if task == at:
        raise KeyError(f"task {task}")
    return squared(task)


def given_up(task: int) -> tuple[int, int]:
    return task, -1


def never(task: int) -> tuple[int, int]:
    raise AssertionError(f"task {task} was given up")


EXPECTED = [squared(task) for task in TASKS]


@pytest.mark.parametrize(("processes", "count"), [(1, 200), (2, 200), (3, 200), (None, 200), (2, 10), (2, 0), (2, 64)])
def test_in_shards_gives_the_result_of_every_task_once(processes: int | None, count: int) -> None:
    results = in_shards(squared, TASKS[:count], executor="processes", processes=processes, on_lost=never)
    assert sorted(results) == EXPECTED[:count]


def test_in_shards_by_default_leaves_few_tasks_to_this_process() -> None:
    assert list(in_shards(process_of, TASKS[:20], executor="processes", processes=None, on_lost=never_at_all)) == (
        [os.getpid()] * 20
    )


def process_of(task: int) -> int:
    return os.getpid()


def never_at_all(task: int) -> int:
    raise AssertionError(f"task {task} was given up")


@pytest.mark.parametrize("executor", ["", "dask", "threads", "127.0.0.1:8786", "http://127.0.0.1:8786", "tcp://"])
def test_in_shards_with_an_unknown_executor_says_what_was_expected(executor: str) -> None:
    with pytest.raises(InputError, match=r"is unknown: expected 'processes' .* or the address of a Dask scheduler"):
        in_shards(squared, TASKS, executor=executor, processes=2, on_lost=never)


# On either executor


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a Dask cluster of two processes, which are replaced when they die."""
    with (
        dask.config.set({"distributed.worker.daemon": False, "distributed.scheduler.allowed-failures": 1}),
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as here,
    ):
        yield here.scheduler_address


@pytest.fixture(params=["processes", "dask"])
def executor(request: pytest.FixtureRequest) -> str:
    return "processes" if request.param == "processes" else str(request.getfixturevalue("cluster"))


def test_in_shards_does_every_task_once_by_several_processes(executor: str, tmp_path: Path) -> None:
    work = partial(noted, folder=tmp_path)
    assert sorted(in_shards(work, TASKS, executor=executor, processes=2, on_lost=never, shard_size=4)) == EXPECTED
    traces = [(tmp_path / str(task)).read_text().split() for task in TASKS]
    assert {len(trace) for trace in traces} == {1}
    done_by = {int(process) for (process,) in traces}
    assert os.getpid() not in done_by


@pytest.mark.parametrize("victim", [100])
def test_in_shards_with_a_worker_killed_does_its_shard_again(executor: str, tmp_path: Path, victim: int) -> None:
    work = partial(killed_once, marker=tmp_path / "killed", victim=victim)
    results = list(in_shards(work, TASKS, executor=executor, processes=2, on_lost=never, shard_size=8))
    assert (tmp_path / "killed").exists()
    assert sorted(results) == EXPECTED


def test_in_shards_with_tasks_that_always_kill_their_worker_gives_up_them_alone() -> None:
    victims = (7, 8, 150)
    work = partial(killed_always, victims=victims)
    results = list(in_shards(work, TASKS, executor="processes", processes=2, on_lost=given_up, shard_size=8))
    assert sorted(results) == [given_up(task) if task in victims else squared(task) for task in TASKS]


def test_in_shards_raises_the_error_of_the_work_as_it_is(executor: str) -> None:
    work = partial(refused, at=90)
    with pytest.raises(KeyError, match="task 90"):
        list(in_shards(work, TASKS, executor=executor, processes=2, on_lost=never, shard_size=8))


def test_in_shards_with_an_error_leaves_out_most_of_the_rest(executor: str, tmp_path: Path) -> None:
    tasks = range(2000)
    work = partial(refused_or_noted, folder=tmp_path)
    with pytest.raises(KeyError, match="task 0"):
        list(in_shards(work, tasks, executor=executor, processes=2, on_lost=never, shard_size=2))
    assert len(list(tmp_path.iterdir())) < len(tasks) - 1


def refused_or_noted(task: int, folder: Path) -> tuple[int, int]:
    time.sleep(0.002)
    return noted(refused(task, at=0)[0], folder)


def test_in_shards_that_is_asked_no_further_ends_its_workers(executor: str) -> None:
    results = in_shards(squared, TASKS, executor=executor, processes=2, on_lost=never, shard_size=1)
    assert isinstance(results, Generator)
    assert next(results) in EXPECTED
    results.close()
    assert not [child for child in multiprocessing.active_children() if "Dask" not in child.name]


def test_in_shards_hands_over_a_bounded_number_of_shards_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    submitted: list[Any] = []

    class Counting(ProcessPoolExecutor):
        def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            submitted.append(args)
            return super().submit(work, *args, **kwargs)

    monkeypatch.setattr(executors, "ProcessPoolExecutor", Counting)
    results = in_shards(squared, range(6400), executor="processes", processes=2, on_lost=never)
    next(results)
    assert len(submitted) == 1 + 4
    assert len(list(results)) == 6399
    assert len(submitted) == 1 + 200


def remember() -> None:
    os.environ["PREPARED"] = str(os.getpid())


def prepared(_: int) -> bool:
    return os.environ.get("PREPARED") == str(os.getpid())


def test_every_process_of_a_pool_is_prepared_before_its_first_task() -> None:
    with process_pool(2, remember) as pool:
        assert all(pool.map(prepared, range(20)))
    with process_pool(1) as pool:
        assert not any(pool.map(prepared, range(2)))


# Programs that call it


def run_script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(text))
    command = [sys.executable, str(script)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=FAR_BEYOND_S)


def test_in_shards_in_a_script_without_a_guard_says_so_and_starts_no_processes_without_end(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        """
        from pathlib import Path
        from animl_kedro.executors import in_shards, process_pool
        with Path(__file__).with_name("starts").open("a") as starts:
            starts.write("x")
        print(list(in_shards(abs, range(100), executor="processes", processes=2, on_lost=abs)))
        """,
    )
    assert done.returncode == 1
    # Python's resource tracker may have the last word
    assert "\naniml_kedro.errors.InputError: The worker processes die" in done.stderr
    assert 'if __name__ == "__main__":' in done.stderr
    assert len((tmp_path / "starts").read_text()) <= 1 + 2


def test_worker_processes_import_no_more_than_their_work_needs(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        """
        import sys
        from animl_kedro.executors import in_shards, process_pool

        def heavy(task):
            return [name for name in ("torch", "pandas", "numpy", "kedro", "distributed") if name in sys.modules]

        if __name__ == "__main__":
            print(list(in_shards(heavy, range(100), executor="processes", processes=2, on_lost=heavy)) == [[]] * 100)
        """,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_worker_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        """
        import os, signal
        from animl_kedro.executors import in_shards, process_pool

        def process(task):
            return os.getpid()

        if __name__ == "__main__":
            results = in_shards(process, range(1000), executor="processes", processes=2, on_lost=process)
            print(next(results), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    # The workers have ended too: `run_script` has waited until nobody held the other end of its pipes.
    assert done.returncode == -signal.SIGKILL
    assert int(done.stdout) > 0


# Dask


def test_in_shards_without_tasks_needs_no_scheduler() -> None:
    assert list(in_shards(squared, [], executor="tcp://127.0.0.1:1", processes=None, on_lost=never)) == []


def test_in_shards_with_a_scheduler_that_is_not_there_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "CONNECT_TIMEOUT_S", 0.5)
    with pytest.raises(InputError, match=r"no Dask scheduler at tcp://127\.0\.0\.1:1: .*dask scheduler"):
        list(in_shards(squared, TASKS, executor="tcp://127.0.0.1:1", processes=None, on_lost=never))


def test_in_shards_without_dask_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "distributed"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"Dask is not installed: pip install 'animl-kedro\[dask\]'"):
        in_shards(squared, TASKS, executor="tcp://127.0.0.1:1", processes=None, on_lost=never)


def test_in_shards_with_a_scheduler_that_is_lost_says_so(tmp_path: Path) -> None:
    with scheduler_process(tmp_path) as (address, process):
        # What a client leaves behind that has lost its scheduler is not for the process that runs the tests.
        done = run_script(
            tmp_path,
            f"""
            import sys
            from functools import partial
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from animl_kedro.executors import in_shards, process_pool
            from test_executors import kills, never

            if __name__ == "__main__":
                work = partial(kills, process={process.pid})
                list(in_shards(work, range(200), executor={address!r}, processes=None, on_lost=never))
            """,
        )
    assert done.returncode == 1
    assert f"InputError: The Dask scheduler at {address} was lost" in done.stderr


def test_in_shards_whose_scheduler_is_lost_without_a_word_waits_no_longer(
    cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(executors._DaskFuture, "add_done_callback", lambda *_: None)
    monkeypatch.setattr(executors._DaskExecutor, "is_gone", lambda self: True)
    with pytest.raises(InputError, match=f"The Dask scheduler at {cluster} was lost"):
        list(in_shards(squared, TASKS, executor=cluster, processes=None, on_lost=never))


def test_in_shards_on_a_cluster_without_workers_waits_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "LOOK_EVERY_S", 0.01)
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=":0") as empty,  # type: ignore[no-untyped-call]
        pytest.raises(InputError, match="or all of its workers were"),
    ):
        list(in_shards(squared, TASKS, executor=empty.scheduler_address, processes=None, on_lost=never))


def kills(task: int, process: int) -> tuple[int, int]:
    """Kill a process, the scheduler's, in the middle of the work."""
    if task == 100:
        os.kill(process, signal.SIGKILL)
    return squared(task)


@contextmanager
def scheduler_process(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler with a worker, each a process of its own, as a person starts them."""
    note = folder / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    dask_scheduler, dask_worker = ([sys.executable, "-m", f"distributed.cli.dask_{name}"] for name in ROLES)
    where = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(note)]
    processes = [subprocess.Popen([*dask_scheduler, *where], env=environment)]
    try:
        while not note.exists() or not note.read_text().rstrip().endswith("}"):
            assert processes[0].poll() is None
            time.sleep(0.05)
        address = json.loads(note.read_text())["address"]
        how = ["--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(folder)]
        processes.append(subprocess.Popen([*dask_worker, address, *how], env=environment))
        yield address, processes[0]
    finally:
        for process in processes:
            process.kill()
            process.wait()
