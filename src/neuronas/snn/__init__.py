"""Spiking neural networks: neurons, quantised weights, and networks as PyTorch modules."""
