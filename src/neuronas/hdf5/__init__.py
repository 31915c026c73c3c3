"""Reads files of HDF5, which may be damaged, in a process of their own."""
