"""How several hosts find together before they train: each tells the first what it is about to train on.

torch's own launcher waits without a word, for a host that never comes or belongs to another training, and cannot be
interrupted while it does. Where it begins, all are there and agree.
"""

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from animl_kedro.errors import InputError
from animl_kedro.pipelines.modeling.fingerprints import Fingerprint, difference_between

logger = logging.getLogger(__name__)

WAIT_S = 3600.0
"""How long a host waits for the others."""

REFUSED = -1
"""No host's number."""

RETRY_S = 0.2
ANSWER_S = 10.0
LONGEST = 10_000_000
"""Bytes of a message at most: labels can be many."""


def meet(address: str, host: int, hosts: int, fingerprint: Fingerprint, wait: float = WAIT_S) -> None:
    """Wait until all hosts are there; `address` is name and port of host 0.

    Raises InputError on every host where two of them are about to train on different things, have the same number, or
    where one does not come.
    """
    name, _, port = address.rpartition(":")
    if host:
        _join((name, int(port)), host, fingerprint, wait)
        return
    connections: dict[int, socket.socket] = {}
    answer: dict[str, Any] = {}
    try:
        with _listening(int(port), address) as server:
            for number, theirs, connection in _arrivals(server, hosts, connections, wait):
                refusal = _refusal(number, theirs, hosts, connections, fingerprint)
                connections[REFUSED if refusal else number] = connection
                if refusal:
                    answer = {"refusal": refusal}
                    raise InputError(refusal)
                logger.info("host %d is there", number)
        answer = {"go": True}
    finally:
        for connection in connections.values():
            _answer(connection, answer)


@contextmanager
def _listening(port: int, address: str) -> Iterator[socket.socket]:
    try:
        server = socket.create_server(("", port), family=socket.AF_INET)
    except OSError as error:
        raise InputError(
            f"The port of modeling.main_address, {address}, cannot be opened on this host ({error.strerror}): give "
            "another one, the same on all hosts."
        ) from error
    with closing(server):
        server.settimeout(RETRY_S)
        yield server


def _arrivals(
    server: socket.socket, hosts: int, connections: dict[int, socket.socket], wait: float
) -> Iterator[tuple[int, Fingerprint, socket.socket]]:
    """Number, fingerprint and connection of each host that comes, until all have."""
    deadline = time.monotonic() + wait
    while len(connections) < hosts - 1:
        if time.monotonic() > deadline:
            absent = ", ".join(str(number) for number in range(1, hosts) if number not in connections)
            raise InputError(
                f"After {wait:g} s these of {hosts} hosts have not come: {absent}. Start them, see docs/modeling.md, "
                "and this run again; modeling.main_address must be a name and port of this host that they can reach."
            )
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        message = _read(connection, ANSWER_S)
        if isinstance(message.get("host"), int) and isinstance(message.get("fingerprint"), dict):
            yield message["host"], message["fingerprint"], connection
        else:  # something else that knocks at the port
            connection.close()


def _refusal(
    number: int, theirs: Fingerprint, hosts: int, connections: dict[int, socket.socket], mine: Fingerprint
) -> str | None:
    if number in connections or not 0 < number < hosts:
        return f"Two hosts say that they are host {number} of {hosts}: give each its own --host, from 1 to {hosts - 1}."
    return difference_between(mine, theirs, number)


def _join(address: tuple[str, int], host: int, fingerprint: Fingerprint, wait: float) -> None:
    """Tell host 0, as soon as it listens, and wait for its answer."""
    deadline = time.monotonic() + wait
    logger.info("waiting for host 0 at %s:%d", *address)
    while True:
        try:
            connection = socket.create_connection(address, timeout=ANSWER_S)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise InputError(
                    f"Host 0 does not answer at {address[0]}:{address[1]} ({error}): start kedro run there, and see "
                    "that modeling.main_address can be reached from here."
                ) from error
            time.sleep(RETRY_S)
    with closing(connection):
        connection.sendall(json.dumps({"host": host, "fingerprint": fingerprint}).encode() + b"\n")
        answer = _read(connection, max(deadline - time.monotonic(), ANSWER_S))
    if answer.get("refusal"):
        raise InputError(str(answer["refusal"]))
    if "go" not in answer:
        raise InputError("Host 0 ended before all hosts were there: see what it says, and start again on all.")


def _answer(connection: socket.socket, answer: dict[str, Any]) -> None:
    """Send it, and wait until the other side has closed: the port is then free at once."""
    with closing(connection):
        try:
            connection.sendall(json.dumps(answer).encode() + b"\n")
            connection.settimeout(ANSWER_S)
            connection.recv(1)
        except OSError:
            logger.warning("a host has gone while the others came")


def _read(connection: socket.socket, timeout: float) -> dict[str, Any]:
    """A line of JSON; nothing where what comes is none."""
    connection.settimeout(timeout)
    try:
        with connection.makefile("rb") as file:
            message = json.loads(file.readline(LONGEST))
    except (OSError, ValueError):
        return {}
    return message if isinstance(message, dict) else {}
