"""Spiking networks: neurons, quantised weights, operations as modules, and the network that cells make."""
