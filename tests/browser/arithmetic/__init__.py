"""Tests of src/browser/arithmetic."""
