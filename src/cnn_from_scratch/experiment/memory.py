"""The process's memory, where the allocator's habits cost time."""

import numpy as np

BLOCK = 2**21  # numbers, 16 MiB; glibc learns only from blocks of at most 32 MiB


def keep_freed_memory() -> None:
    """Keep freed memory for the next epoch, instead of giving it back to the system.

    glibc returns free memory at the top of its heap, and every epoch then asks for it anew, page
    by page: up to a third of its time. Freeing one large block makes glibc keep twice its size
    (mallopt(3), M_MMAP_THRESHOLD). Elsewhere this does nothing.
    """
    np.empty(BLOCK)
