"""Data sets: presets, readers and the batches that a search sees. Test images never reach a search."""
