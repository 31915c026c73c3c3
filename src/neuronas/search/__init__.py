"""Search: algorithms propose, one loop evaluates, a history keeps every candidate."""
