"""What the verbs do, without a command line: everything that composes. ``neuronas`` offers its functions."""
