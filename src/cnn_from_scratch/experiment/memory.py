"""The process's memory, where the allocator's habits cost time."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> None:
    """Keep freed memory for the next step, instead of giving it back to the system.

    glibc gives large arrays, and free memory at the top of its heap, back to the system, and then
    asks for them again in each step, page by page, which takes much of the time. After this call
    it takes all memory from its heap and never trims that (mallopt(3)), so that the first step
    allocates what all steps work on. Without glibc this does nothing.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        mallopt = libc.mallopt
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 0x7FFFFFFF)
