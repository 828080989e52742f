"""What people do with a trained network: give it new samples, and see what it looks at."""
