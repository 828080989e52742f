"""Tests of the tools: what is no stage of the pipeline."""
