"""Reference numbers from PyTorch, and the script that made them."""
