"""Tests that the results have the same bits everywhere."""
