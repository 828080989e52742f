"""The types of arrays, and of what describes them."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.floating[Any]]]
Shape = tuple[int, ...]
Axis = int | Shape | None  # None: all axes
