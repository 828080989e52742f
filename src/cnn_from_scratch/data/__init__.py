"""Loaders: from the files that people have to arrays and tables."""
