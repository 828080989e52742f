"""Import NumPy and make empty outputs: the least that a stage in NumPy can do."""

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the stages do

import numpy as np

for name in sys.argv[1:]:
    path = Path(name)
    if path.suffix:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(np.zeros(0).tobytes())
    else:
        path.mkdir(parents=True, exist_ok=True)
        (path / "empty").touch()
