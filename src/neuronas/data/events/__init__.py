"""Recordings of event cameras: readers of file formats, slicing in time, data sets."""
