"""Work in threads: every result once, an error ends it and is told, and no thread goes on for nobody."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animl_kedro.pipelines.ingestion.workers import in_threads

PATIENCE_S = 20
"""What a test waits for at most, for what happens in milliseconds."""


@pytest.fixture(autouse=True)
def no_thread_goes_on() -> Iterator[None]:
    """Fail a test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def double(number: int) -> int:
    return 2 * number


@pytest.mark.parametrize("threads", [1, 2, 7, 64])
@pytest.mark.parametrize("tasks", [0, 1, 2, 7, 500])
def test_in_threads_gives_every_result_once(threads: int, tasks: int) -> None:
    assert sorted(in_threads(double, range(tasks), threads)) == [2 * number for number in range(tasks)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 8))
def test_in_threads_of_any_tasks_gives_every_result_once(tasks: list[int], threads: int) -> None:
    before = list(tasks)
    assert sorted(in_threads(double, tasks, threads)) == sorted(map(double, before))
    assert tasks == before


@pytest.mark.parametrize("nothing", [None, False, 0])
def test_in_threads_gives_results_that_are_nothing(nothing: object) -> None:
    assert list(in_threads(lambda _: nothing, range(3), 2)) == [nothing] * 3


def test_in_threads_gives_errors_that_are_results_and_not_raised() -> None:
    error = ValueError("returned")
    assert list(in_threads(lambda _: error, range(2), 2)) == [error, error]


def test_in_threads_with_one_thread_keeps_the_order() -> None:
    assert list(in_threads(double, range(50), 1)) == [2 * number for number in range(50)]


def test_in_threads_gives_results_in_the_order_in_which_they_are_done() -> None:
    released = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert released.wait(PATIENCE_S)
        return number

    results = in_threads(work, range(4), 2)
    assert [next(results) for _ in range(3)] == [1, 2, 3]
    released.set()
    assert list(results) == [0]


@pytest.mark.parametrize(("threads", "tasks", "expected"), [(1, 5, 1), (3, 10, 3), (64, 3, 3)])
def test_in_threads_works_on_as_many_tasks_at_once_as_asked_for_and_there_are(
    threads: int, tasks: int, expected: int
) -> None:
    together = threading.Barrier(expected)
    names: set[str] = set()

    def work(number: int) -> None:
        names.add(threading.current_thread().name)
        if number < expected:  # the first ones wait for each other
            together.wait(PATIENCE_S)

    assert len(list(in_threads(work, range(tasks), threads))) == tasks
    assert len(names) == expected


def test_in_threads_works_on_nothing_before_a_result_is_asked_for() -> None:
    done: list[int] = []
    results = in_threads(done.append, range(3), 2)
    assert done == []
    assert len(list(results)) == 3
    assert sorted(done) == [0, 1, 2]


# Errors


def failing_at(number: int, error: BaseException) -> tuple[Callable[[int], int], list[int]]:
    """Work that fails at one task, and the tasks that it was given."""
    given_tasks: list[int] = []

    def work(task: int) -> int:
        given_tasks.append(task)
        if task == number:
            raise error
        return task

    return work, given_tasks


ERRORS = (
    ValueError("damaged"),
    IndexError("of the work itself"),
    OSError(28, "No space left on device"),
    KeyboardInterrupt(),
    SystemExit(3),
)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("threads", [1, 2, 40])
@pytest.mark.parametrize("failing", [0, 13, 29])
def test_in_threads_with_an_error_raises_it(error: BaseException, threads: int, failing: int) -> None:
    work, given_tasks = failing_at(failing, error)
    with pytest.raises(type(error)) as caught:
        list(in_threads(work, range(30), threads))
    assert caught.value is error
    assert given_tasks.count(failing) == 1


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_in_threads_with_an_error_in_the_only_thread_gives_what_was_done_and_begins_nothing_more(
    error: BaseException,
) -> None:
    work, given_tasks = failing_at(3, error)
    results: list[int] = []
    with pytest.raises(type(error)):
        results.extend(in_threads(work, range(30), 1))
    assert given_tasks == [0, 1, 2, 3]


def test_in_threads_with_errors_in_every_thread_raises_one() -> None:
    together = threading.Barrier(8)

    def work(number: int) -> None:
        together.wait(PATIENCE_S)
        raise ValueError(number)

    with pytest.raises(ValueError, match=r"^\d$"):
        list(in_threads(work, range(8), 8))


def test_in_threads_with_an_error_lets_the_other_threads_end_their_tasks_alone() -> None:
    started, failed = threading.Event(), threading.Event()
    ended: list[int] = []

    def work(number: int) -> None:
        if number == 0:
            assert started.wait(PATIENCE_S)
            failed.set()
            raise ValueError("damaged")
        started.set()
        assert failed.wait(PATIENCE_S)
        time.sleep(0.1)  # for the error to arrive
        ended.append(number)

    with pytest.raises(ValueError, match="damaged"):
        list(in_threads(work, range(100), 2))
    assert ended == [1]


def test_in_threads_with_an_error_while_nobody_waits_for_results_begins_no_more_tasks() -> None:
    is_taken, all_done = threading.Event(), threading.Event()
    last = 60

    def work(number: int) -> int:
        if number == 0:
            return number
        assert is_taken.wait(PATIENCE_S)
        if number == 1:
            raise ValueError("damaged")
        time.sleep(0.005)
        if number == last:
            all_done.set()
        return number

    results = in_threads(work, range(last + 1), 2)
    assert next(results) == 0
    is_taken.set()
    went_on = all_done.wait(1)  # while the consumer is at work itself
    with pytest.raises(ValueError, match="damaged"):
        list(results)
    assert not went_on


# Consumers that stop early


def test_in_threads_with_a_consumer_that_stops_early_begins_no_more_tasks() -> None:
    started: list[int] = []
    released = threading.Event()

    def work(number: int) -> int:
        started.append(number)
        if number >= 4:
            assert released.wait(PATIENCE_S)
        return number

    results = in_threads(work, range(1000), 4)
    first = [next(results) for _ in range(4)]
    threading.Timer(0.1, released.set).start()
    results.close()  # type: ignore[attr-defined] # which a generator has
    assert sorted(first) == [0, 1, 2, 3]
    assert len(started) <= 8
    with pytest.raises(StopIteration):
        next(results)


def test_in_threads_with_a_consumer_that_fails_begins_no_more_tasks() -> None:
    started: list[int] = []

    def work(number: int) -> int:
        started.append(number)
        time.sleep(0.001)
        return number

    def consume() -> None:
        for _ in in_threads(work, range(10_000), 4):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    seen = len(started)
    assert seen < 10_000
    time.sleep(0.05)
    assert len(started) == seen
