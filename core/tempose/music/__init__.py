"""Music: loading, the beat grid, and features at pose rate."""
