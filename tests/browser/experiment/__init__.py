"""Tests of src/browser/experiment."""
