"""Import of foreign networks: readers of files and PyTorch modules that return a layer graph."""
