"""Training with quantised weights, checkpoints, and evaluation."""
