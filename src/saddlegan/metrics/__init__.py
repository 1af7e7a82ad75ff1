"""Pure metrics: samples to numbers, one per seed."""
