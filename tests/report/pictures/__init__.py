"""The pictures: what they draw, and that it can be read."""
