"""How `--dist loadgroup` shares out the tests among worker processes."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

COMPILED = "tests/compiled/"


class OneWorkerCompiles(LoadScopeScheduling):  # type: ignore[misc] # xdist tells no types
    """Each test goes to the next free worker, but one worker gets all of COMPILED.

    Each worker would compile the same loops anew. (The mark xdist_group is meant for this, but
    xdist 3.8 does not see it with pytest 9.2.)
    """

    def _split_scope(self, nodeid: str) -> str:
        return COMPILED if nodeid.startswith(COMPILED) else nodeid


@pytest.hookimpl(optionalhook=True)  # there may be one process alone
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneWorkerCompiles | None:
    """Return what shares out the tests; None: xdist decides."""
    return OneWorkerCompiles(config, log) if config.getoption("dist") == "loadgroup" else None
