"""The network library: every forward and backward pass by hand, in NumPy and nothing else."""
