"""Work in threads comes in order, and not far ahead."""

import threading
import time
from collections.abc import Iterator

from animl_kedro.threads import in_order


def test_work_in_threads_is_in_order_and_never_far_ahead() -> None:
    asked, lock = [0], threading.Lock()

    def items() -> Iterator[int]:
        for number in range(50):
            with lock:
                asked[0] = number
            yield number

    def work(number: int) -> int:
        time.sleep(0.001 * (number % 3))
        return number

    for expected, got in enumerate(in_order(work, items(), ahead=4)):
        assert got == expected
        assert asked[0] <= expected + 5
