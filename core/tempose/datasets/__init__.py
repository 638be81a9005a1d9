"""Training data: motion clips, rendered songs, and the augmentation that pairs them on the beat."""
