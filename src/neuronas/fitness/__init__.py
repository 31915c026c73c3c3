"""Fitness: predicts from the spikes of an untrained network how well an architecture will perform after training."""
