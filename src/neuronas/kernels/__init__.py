"""C++ kernels for the CPU, compiled once per machine, and their loader. Does not need torch."""
