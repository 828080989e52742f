"""Tests of tools/page."""
