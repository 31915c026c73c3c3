"""The run directory and everything in it: settings, history, candidates, and one typed model for each file."""
