"""What a training run needs besides the network: parameters, data, splits, streams, records."""
