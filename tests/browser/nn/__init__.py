"""Tests of src/browser/nn."""
