"""A setting of the C allocator that work with large blocks of memory runs fast with."""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_BLOCK = 1 << 30


def keep_freed_memory() -> None:
    """Let glibc keep large blocks for the next use; other C libraries stay as they are.

    Otherwise they are given back to the system and faulted in again each time, which costs as much as the arithmetic
    of a training step, or a third of the time of a download (see mallopt(3)). A second call changes nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)
        libc.mallopt(_M_TRIM_THRESHOLD, _LARGEST_BLOCK)
