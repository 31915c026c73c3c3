"""The command line: one module per command, which reads options, calls ``neuronas.api`` and prints."""
