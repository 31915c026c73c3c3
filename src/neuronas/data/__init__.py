"""Data sets: presets, readers and the batches used by a search. A search never reads test images."""
