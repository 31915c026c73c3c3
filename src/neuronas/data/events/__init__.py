"""Recordings of event cameras: readers of their files, slices in time, data sets."""
