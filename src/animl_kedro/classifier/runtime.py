"""Settings of the process that torch runs fast with on a CPU. They have to be made before torch is imported."""

import ctypes
import os
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_BLOCK = 1 << 30


def prepare_torch() -> None:
    """Make the settings; a second call changes nothing.

    Threads that wait for each other sleep instead of spinning: where another program uses a processor, spinning makes
    training several times slower. glibc keeps large blocks instead of giving them back to the system at every step
    and faulting them in again at the next, which costs as much as the arithmetic (see mallopt(3)).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)
        libc.mallopt(_M_TRIM_THRESHOLD, _LARGEST_BLOCK)
