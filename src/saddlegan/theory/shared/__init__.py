"""What several experiments use: densities on the line, and small networks that are trained together."""
