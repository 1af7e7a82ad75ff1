"""Pictures of the laboratory: arrays to a matplotlib `Figure`."""
