"""Distribution: candidates are handed out in subtrees to workers, on this machine or on a cluster."""
