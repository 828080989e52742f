"""One Node for all tests of the browser's library."""

from collections.abc import Iterator

import pytest

from tests.browser.node import Node, started_node


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """Return what evaluates JavaScript."""
    with started_node() as evaluate:
        yield evaluate
