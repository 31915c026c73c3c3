"""The engine's back end for CPUs: fused C++ kernels, compiled at first use."""
