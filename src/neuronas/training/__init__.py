"""Training of the found network at the chip's precision, checkpoints, and evaluation."""
