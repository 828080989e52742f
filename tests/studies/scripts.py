"""Loading a study's script as a module."""

import importlib.util
import sys
from types import ModuleType

from tests.workflow.project import ROOT


def script(study: str, name: str) -> ModuleType:
    """Return studies/<study>/<name>.py, imported; what its import changes in sys is put back."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "studies" / study / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path, hook = list(sys.path), sys.excepthook
    spec.loader.exec_module(module)
    sys.path[:], sys.excepthook = path, hook
    return module
