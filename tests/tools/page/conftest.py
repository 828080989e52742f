"""Node, for what is tested in it."""

from tests.browser.conftest import node

__all__ = ["node"]
