"""The fast engine: the same fitness as the reference, but what candidates have in common is computed only once."""
