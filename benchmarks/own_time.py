"""Run a script with its arguments, then print the processor time of its own process, in seconds.

Usage: python benchmarks/own_time.py SCRIPT [ARGUMENT...].
"""

import json
import resource
import runpy
import sys
from pathlib import Path

sys.argv = sys.argv[1:]
sys.path[0] = str(Path(sys.argv[0]).parent)
runpy.run_path(sys.argv[0], run_name="__main__")
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"own": used.ru_utime + used.ru_stime}))
