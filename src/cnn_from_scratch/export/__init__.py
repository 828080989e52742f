"""Trained networks in the formats of other programs: optional, imported by scripts alone."""
