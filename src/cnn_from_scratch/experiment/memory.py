"""The process's memory, where the allocator's habits cost time."""

import numpy as np

BLOCK = 1 << 21  # numbers, 16 MiB; glibc learns only from blocks of at most 32 MiB


def keep_freed_memory() -> None:
    """Keep freed memory for the next epoch, instead of giving it back to the system.

    glibc returns free memory at the top of its heap. Which arrays stand there is chance; if they
    are an epoch's, it asks for them anew each time, page by page, for up to a third of its time.
    Freeing one large block makes glibc keep twice its size (mallopt(3), M_MMAP_THRESHOLD).
    Elsewhere this does nothing.
    """
    np.empty(BLOCK)
