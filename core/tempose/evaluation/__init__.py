"""`tempose evaluate`: systems against songs and real motion, with baselines, noise and comparison."""
