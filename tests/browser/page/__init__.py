"""Tests of src/browser/page."""
