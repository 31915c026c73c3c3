"""C++ kernels for the CPU, compiled once per machine, and their loader. Nothing here needs torch."""
