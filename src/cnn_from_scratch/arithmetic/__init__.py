"""Floating-point arithmetic with the same bits on every machine, in NumPy alone.

IEEE 754 fixes the result of one +, -, *, /, square root, rounding or comparison. It does not fix
the order in which a sum or a matrix product adds up, nor exp, log, tanh, sin and cos. Here is what
makes sums exact, so that no order matters, and these functions, each a fixed row of operations.
docs/portability.md has the mathematics: why, how accurate, and at what cost.
"""
