"""The layers' loops, compiled by Numba: an optional backend, imported only where it is chosen."""
