"""What an architecture costs on a compute-in-memory accelerator, and whether that fits a budget."""
