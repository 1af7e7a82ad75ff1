"""What the experiments compute: pure functions in NumPy and torch, and the networks that they train."""
