"""Pure metrics: samples to numbers, one a seed."""
