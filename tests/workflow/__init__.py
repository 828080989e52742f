"""The miniature workflow: the real pipeline, small, run by the real DVC in a temporary clone."""
