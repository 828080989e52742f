"""The scripts of the studies."""
