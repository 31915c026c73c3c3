"""Networks that were not made here: readers of files and PyTorch modules, which give a layer graph."""
