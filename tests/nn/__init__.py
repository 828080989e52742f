"""The tests of the network library."""
