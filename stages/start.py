"""What every script does first: find the project's source, and show errors in one line.

It is imported before any package, so that a missing one is told in one line, too. A stage finds it
in its own folder; tools and the studies' scripts put that folder on the path.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnn_from_scratch import one_line_errors

one_line_errors()
