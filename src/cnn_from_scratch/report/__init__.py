"""From many runs to tables and pictures; every function is a pure one of its arguments."""
