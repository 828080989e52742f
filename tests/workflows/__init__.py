"""Tests of what GitHub runs."""
