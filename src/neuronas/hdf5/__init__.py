"""Reads HDF5 files, which may be damaged, in a separate process."""
