"""The command line: one file per verb, which reads options, calls ``neuronas.api`` and prints."""
