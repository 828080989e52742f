"""Tests of the export: ONNX Runtime computes what the network does."""
