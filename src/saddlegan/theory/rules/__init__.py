"""The rules: the statements of each experiment, and what turns its numbers into their verdicts."""
