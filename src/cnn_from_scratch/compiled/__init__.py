"""What Numba compiles of layers, loss and optimizers: an optional backend, imported if chosen."""
