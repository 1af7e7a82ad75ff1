"""Data sets. A toy is a distribution that is known exactly."""
