"""The published figures, to stand beside ours.

Source: S.-W. Lee 2025, "CNN-from-Scratch: A Minimal NumPy Implementation for 6 x 6 Digit
Classification", its table: mean and population SD of the accuracy in percent over ten seeds,
measured on the 96 samples that the networks were trained on.
"""

PUBLISHED_ACCURACY = {
    "S-SGD": (96.25, 0.51),
    "S-RMS": (93.33, 2.80),
    "S-Adam": (99.06, 0.98),
    "E-RMS": (83.13, 16.67),
    "E-Adam": (82.71, 21.91),
}
