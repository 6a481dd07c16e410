"""kedro-viz's static build, made once and served to a browser."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class VizBuild:
    """What `kedro viz build` wrote: the graph, and what is told of each of its nodes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.graph: dict[str, Any] = json.loads((folder / "api" / "main").read_bytes())
        self.nodes = {node["name"]: node for node in self.graph["nodes"]}

    def details(self, name: str) -> dict[str, Any]:
        """What the panel of a node shows."""
        details: dict[str, Any] = json.loads((self.folder / "api" / "nodes" / self.nodes[name]["id"]).read_bytes())
        return details


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        del arguments


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of this folder's files, on this machine alone."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
