"""Simulation of a trained network on the crossbars of a compute-in-memory chip, including non-idealities."""
