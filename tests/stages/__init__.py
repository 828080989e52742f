"""Tests of the stage scripts, run as a user runs them."""
