"""What tests of several hosts on one machine share."""

import socket


def free_address() -> str:
    """Name and port of this machine at which nothing listens."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return f"localhost:{free.getsockname()[1]}"
