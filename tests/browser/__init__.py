"""Tests of src/browser: what Node computes, against Python's, to the last bit."""
