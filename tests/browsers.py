"""A page in headless Chromium, driven through a pipe in its DevTools protocol: no driver, no port, no network."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)"
)

FLAGS = [
    *("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--no-first-run", "--disable-gpu"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
]

COMPLAINTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Page.javascriptDialogOpening")
"""Events that a page without scripts and without faults never causes."""


class Browser:
    """One tab; ``complaints`` are the errors, warnings, messages and dialogs of its page so far."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests, self._answers = requests, answers
        self._buffer = b""
        self._last_id = 0
        self._session: str | None = None
        self._events: list[str] = []
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol, and give its result."""
        self._last_id += 1
        request = {"id": self._last_id, "method": method, "params": params}
        if self._session:
            request["sessionId"] = self._session
        os.write(self._requests, json.dumps(request).encode() + b"\0")
        while True:
            message = self._receive()
            if message.get("id") == self._last_id:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def open(self, page: Path, width: int) -> None:
        """Open a file at this width, and wait until it is loaded."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=False)
        self.visit(page.as_uri())

    def visit(self, address: str) -> None:
        """Open an address, and wait until it is loaded."""
        self._events.clear()
        self.send("Page.navigate", url=address)
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def value_of(self, expression: str) -> Any:
        """What an expression in JavaScript evaluates to, in the open page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression in JavaScript is true of the open page; two minutes are more than any page needs."""
        look = f"const look = () => ({condition}) ? done() : setTimeout(look, 20); look(); setTimeout(late, 120000)"
        promise = f"new Promise((done, late) => {{ {look} }})"
        answer = self.send("Runtime.evaluate", expression=promise, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"in vain: {condition}"

    def picture(self) -> bytes:
        """The whole page as PNG."""
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def print(self) -> bytes:
        """The page as it is printed, as PDF."""
        return base64.b64decode(self.send("Page.printToPDF", preferCSSPageSize=True, printBackground=False)["data"])

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._answers, 1 << 20)
            assert data, "the browser has ended"
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if method := message.get("method"):
            self._events.append(method)
            if method in COMPLAINTS:
                self.complaints.append(json.dumps(message["params"]))
        return message


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A Chromium with a new profile; it ends with the context."""
    assert CHROMIUM is not None
    to_browser, requests = os.pipe()
    answers, from_browser = os.pipe()

    def as_descriptors_3_and_4() -> None:  # which is where Chromium looks for the pipe
        held = [os.dup(descriptor) for descriptor in (to_browser, from_browser)]
        for descriptor, number in zip(held, (3, 4), strict=True):
            os.dup2(descriptor, number)
            os.set_inheritable(number, True)

    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}"],
        preexec_fn=as_descriptors_3_and_4,  # noqa: PLW1509 - a pipe has no other way to a given number
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        yield Browser(requests, answers)
    finally:
        os.close(requests)  # at which Chromium ends, all its processes with it
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(answers)
