"""Tests of the compiled backend: the same numbers as the NumPy layers."""
