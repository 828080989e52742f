"""The process's memory, where the allocator's habits cost time."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> None:
    """Keep freed memory for the next step, instead of giving it back to the system.

    glibc gives large arrays, and free memory at the top of its heap, back to the system, and then
    asks for them anew in each step, page by page, for much of its time: now it takes all from its
    heap, and never trims that (mallopt(3)). So what a step works on is allocated once, by the
    first. Elsewhere than on glibc this does nothing.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        mallopt = libc.mallopt
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 0x7FFFFFFF)
