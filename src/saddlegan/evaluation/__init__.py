"""What watches training: evaluation, pictures, checkpoints, progress. None of it changes a weight."""
