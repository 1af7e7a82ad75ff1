"""Data sets. A toy is a distribution that is known exactly."""

#: Images below which their metrics and pictures cannot be made.
FEWEST = 128
