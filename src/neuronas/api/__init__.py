"""The commands as Python functions, which combine all lower packages. Package ``neuronas`` exports them."""
