"""Figures of a run for papers, drawn with matplotlib (extra ``figures``): import only where it is installed."""
