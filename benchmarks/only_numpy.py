"""Import NumPy and make empty outputs: the least that a stage in NumPy can do."""

import sys
from pathlib import Path

import numpy as np

for name in sys.argv[1:]:
    path = Path(name)
    if path.suffix:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(np.zeros(0).tobytes())
    else:
        path.mkdir(parents=True)
        (path / "empty").touch()
