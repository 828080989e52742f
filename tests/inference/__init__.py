"""Using a trained network: samples of every kind, ensembles, maps, and the command."""
