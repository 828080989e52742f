"""The tests of the experiment code."""
