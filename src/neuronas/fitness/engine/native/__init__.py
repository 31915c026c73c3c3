"""Fused CPU kernels in C++, compiled when first needed, and their Python side."""
